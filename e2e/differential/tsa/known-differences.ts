/** Where our timestamp authority and Sigstore's differ. */
import type { KnownDifference } from '../known-difference.ts'

const statusOrReason = /^(status|body|body\.message)$/
const granted = /^(20[01])?$/
const malformed = /^(400|Error generating timestamp response)$/

export const knownTsaDifferences: readonly KnownDifference[] = [
  { name: 'request id', fact: /^header x-request-id$/, upstream: /^$/ },
  {
    name: 'any origin may read',
    fact: /^header access-control-allow-origin$/,
    ours: /^\*$/,
    upstream: /^$/,
  },
  { name: 'preflight', cases: /: OPTIONS /, fact: /^header (vary|access-control-.*)$/ },
  {
    name: 'type of refusals',
    fact: /^header content-type$/,
    ours: /^application\/json$/,
    upstream: /^application\/(timestamp-reply|pem-certificate-chain)$/,
  },
  { name: 'line feed of refusals', fact: /^body end$/, ours: /^line feed$/, upstream: /^none$/ },
  {
    name: 'serial number of 21 octets',
    fact: /^info serial number$/,
    ours: /^positive, up to 20 octets$/,
    upstream: /^positive, over 20 octets$/,
  },
  {
    name: 'list of no certificates',
    fact: /^signed data members$/,
    ours: /^2 31 30 31$/,
    upstream: /^2 31 30 a0 31$/,
  },
  {
    name: 'order of the chain',
    cases: /with its chain/,
    fact: /^signed data certificates$/,
    ours: /leaf/,
    upstream: /^leaf intermediate root$/,
  },
  {
    name: 'hash of the certificate',
    cases: /sha-?(384|512)|byte \d+ /i,
    fact: /^attribute 1\.2\.840\.113549\.1\.9\.16\.2\.47$/,
  },
  {
    name: 'nonces above 4,096 bytes',
    cases: /DER nonce of (4097|10000) bytes/,
    fact: statusOrReason,
    ours: malformed,
    upstream: granted,
  },
  {
    name: 'parts that do not belong there',
    cases:
      /DER (imprint (with a third member|\S+ with other parameters)|nonce as (text|ENUMERATED)|extensions (not constructed|under another tag)|nonce before policy|(nonce|policy) twice|a further member|byte \d+ with bit \d+ changed)$/,
    fact: statusOrReason,
    ours: malformed,
    // SHA-1 is refused there for itself.
    upstream: /^(20[01]|Weak hash algorithm in timestamp request)?$/,
  },
  {
    name: 'other versions',
    cases: /DER version (0|2|-1)$/,
    fact: statusOrReason,
    ours: malformed,
    upstream: granted,
  },
  {
    name: 'policies that Go cannot read',
    cases: /DER policy |JSON policy arc of 2\^63$/,
    fact: /^body\.message$/,
    ours: /^unaccepted policy/,
    upstream: /^(Error generating|OID should)/,
  },
  {
    name: 'signs in policies',
    cases: /JSON policy with a (plus|minus)$/,
    fact: statusOrReason,
    ours: /^(400|OID should .*)$/,
  },
  {
    name: 'extensions of another form',
    cases: /DER extensions (without any|in a sequence without any|that are none)$/,
    fact: statusOrReason,
    ours: /^(400|unaccepted extension.*)$/,
    upstream: /^(20[01]|Error generating timestamp response)?$/,
  },
  {
    name: 'null for a member that is there twice',
    cases: /JSON a name twice, the last one null$/,
    fact: statusOrReason,
    ours: malformed,
    upstream: granted,
  },
  {
    name: 'bytes that are no UTF-8',
    cases: /JSON with a byte that is no UTF-8$/,
    fact: statusOrReason,
    ours: malformed,
    upstream: granted,
  },
  {
    name: 'nothing in the body',
    cases: /(DER empty|DER cut to 0 bytes|JSON empty)$/,
    fact: statusOrReason,
    ours: malformed,
    upstream: /^(422|request in body is required)$/,
  },
  {
    name: 'media types',
    cases: /: POST of type |: POST of no type$|of type text\/plain$/,
    fact: statusOrReason,
    ours: /^(200|201|413|415|Error .*)?$/,
  },
  {
    name: 'bodies above the limit',
    cases: /: POST of \d+ bytes of type application/,
    fact: /^(status|body\.code)$/,
    ours: /^413$/,
    upstream: /^400$/,
  },
  {
    name: 'Accept',
    cases: /: (POST accepting|GET \S+certchain with accept)/,
    fact: statusOrReason,
    upstream: /^(500)?$/,
  },
  { name: 'HEAD', cases: /: HEAD /, fact: statusOrReason, ours: granted },
  {
    name: 'further pages',
    cases: /: GET \/(|healthz)$/,
    fact: statusOrReason,
    upstream: /^(404|path \S+ was not found)?$/,
  },
  { name: 'paths of ping', cases: /: GET \/(PING|ping\/)$/, fact: statusOrReason },
  {
    name: 'words about unknown paths',
    fact: /^body\.message$/,
    ours: /^there is nothing at this path$/,
    upstream: /^path \S+ was not found$/,
  },
]
