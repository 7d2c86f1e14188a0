/** Where our certificate authority and Fulcio differ. */
import type { KnownDifference } from '../known-difference.ts'

const refusedToken = 'There was an error processing the identity token'
const statusOrMessage = /^(status|body\.message)$/
const accepted = /^(200|201)?$/
const refused = /^(400|There was an error .*)$/
/** The words of Go's JSON and protobuf libraries; the latter writes a no-break space after its name in some builds. */
const goJson = /^(proto:\s|invalid character |unexpected EOF)/

export const knownCaDifferences: readonly KnownDifference[] = [
  { name: 'request id', fact: /^header x-request-id$/ },
  {
    name: 'any origin may read',
    fact: /^header access-control-allow-origin$/,
    ours: /^\*$/,
    upstream: /^$/,
  },
  { name: 'preflight', cases: /^OPTIONS /, fact: /^header (vary|access-control-.*)$/ },
  {
    name: 'reason of a refused token',
    fact: /^body\.message$/,
    ours: new RegExp(`^${refusedToken}: .+ \\([a-z_]+, request [\\w-]+\\)$`),
    upstream: new RegExp(`^${refusedToken}$`),
  },
  {
    name: 'words about malformed JSON',
    cases: /^body: /,
    fact: /^body\.message$/,
    ours: /^invalid request: /,
    upstream: goJson,
  },
  {
    name: 'keys of unknown kinds',
    cases: /^(weak|hostile) key: (secp256k1|brainpoolP256r1|Ed448|RSA-PSS|no curve|an unknown algorithm)$/,
    fact: /^body\.message$/,
    ours: /is insecure$/,
    upstream: /could not be parsed$/,
  },
  { name: 'proof over sub', cases: /^proof: over sub$/, fact: statusOrMessage, ours: accepted },
  {
    name: 'RSA-PSS in a CSR',
    cases: /^CSR: RSA-PSS/,
    fact: /^body\.message$/,
    ours: /^unrecognized signature algorithm: RSAPSS$/,
    upstream: /^unrecognized signature algorithm: SHA256-RSAPSS$|could not be verified$/,
  },
  {
    name: 'whole numbers in claims',
    cases: /^\w+ claim: .* a whole number$/,
    fact: /^extension (1\.3\.6\.1\.4\.1\.57264\.1\.\d+|2\.5\.29\.17)$/,
    // In hexadecimal digits, since those of the subject alternative name are not shown in plain text.
    ours: /3330343333363432/,
    upstream: /332e30343333363432652b3037/,
  },
  {
    name: 'template that lacks a claim',
    cases: /^\w+ claim: .* left out$/,
    fact: /^body\.message$/,
    ours: /^\w+: template: executing at <\.\w+>: map has no entry for key "\w+"$/,
    upstream: /^template: :\d+:\d+: executing "" at <\.\w+>: map has no entry for key "\w+"$/,
  },
  {
    name: 'hosts in identities',
    cases: /^gitlab claim: ci_config_ref_uri /,
    fact: statusOrMessage,
    ours: /^(400|the identity "https:.* cannot be written as a URI: its host is not valid)$/,
  },
  {
    name: 'paths of Chainguard identities',
    cases: /^token: chainguard with /,
    fact: statusOrMessage,
    ours: refused,
    upstream: accepted,
  },
  { name: 'Kubernetes names', cases: /^token: kubernetes/, fact: statusOrMessage, ours: refused },
  {
    name: 'e-mail addresses',
    cases: /^token: e-mail (that is no ASCII|quoted)$/,
    fact: /^body\.message$/,
    ours: /printable ASCII|^There was an error .* \(/,
  },
  {
    name: 'token without sub',
    cases: /^token: (no|empty) sub$/,
    fact: statusOrMessage,
    ours: refused,
    upstream: accepted,
  },
  { name: 'exp as text', cases: /^token: exp as text$/, fact: statusOrMessage, ours: refused },
  {
    name: 'white space around a token',
    cases: /^token: space around it$/,
    fact: statusOrMessage,
    ours: refused,
  },
  {
    name: "key in a token's header",
    cases: /^token: key in the header$/,
    fact: statusOrMessage,
    ours: accepted,
  },
  {
    name: 'scheme in small letters',
    cases: /^body: header with a scheme in small letters$/,
    fact: statusOrMessage,
    ours: accepted,
  },
  {
    name: 'line feeds in base64',
    cases: /^body: base64 with a line feed$/,
    fact: statusOrMessage,
    ours: accepted,
    upstream: new RegExp(`^400$|${goJson.source}`),
  },
  {
    name: 'text behind the request',
    cases: /^body: (something|a second object) behind it$/,
    fact: statusOrMessage,
    ours: /^(400|invalid request: the text is not JSON)$/,
    upstream: accepted,
  },
  {
    name: 'token before key in v1',
    cases: /^body: v1 empty$/,
    fact: /^body\.message$/,
    upstream: /could not be parsed$/,
  },
  { name: 'snake_case in v1', cases: /^body: v1 snake_case$/, fact: statusOrMessage, ours: accepted },
  { name: 'line feed of health answers', cases: /^GET \/healthz$/, fact: /^body end$/ },
  {
    name: 'page of the API',
    cases: /^GET \/$/,
    fact: /^(status|body|body\.message)$/,
    upstream: /^(404|Not Found)?$/,
  },
  { name: 'HEAD', cases: /^HEAD /, fact: statusOrMessage, ours: accepted },
  { name: 'doubled slashes', cases: /^POST \/\//, fact: statusOrMessage, upstream: /^(404|Not Found)$/ },
]
