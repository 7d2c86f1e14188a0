/** Where our log and Rekor differ. */
import type { KnownDifference } from '../known-difference.ts'
import { knownWordDifferences } from './known-words.ts'

const statusOrMessage = /^(status|body\.message|body)$/
const accepted = /^(200|201|409|an equivalent entry already exists .*)?$/
const refused = /^(400|error processing entry: .*)$/s

export const knownRekorDifferences: readonly KnownDifference[] = [
  { name: 'request id', fact: /^header x-request-id$/ },
  {
    name: 'any origin may read',
    fact: /^header access-control-allow-origin$/,
    ours: /^\*$/,
    upstream: /^$/,
  },
  { name: 'preflight', cases: /^OPTIONS /, fact: /^header access-control-allow-(headers|methods)$/ },
  { name: 'line feed of refusals', fact: /^body end$/, ours: /^line feed$/, upstream: /^none$/ },
  {
    name: 'no inactive shards',
    cases: /log/,
    fact: /^(body shape|inactive shards)$/,
    ours: /\[\]/,
    upstream: /null/,
  },
  {
    name: 'type of a refused key',
    cases: /^GET \/api\/v1\/log\/publicKey\?treeID=/,
    fact: /^header content-type$/,
    ours: /^application\/json$/,
    upstream: /^application\/x-pem-file$/,
  },
  {
    name: 'type of what is not accepted',
    cases: /^POST accepting YAML$/,
    fact: /^header content-type$/,
    ours: /^application\/json$/,
    upstream: /^$/,
  },
  {
    name: 'digests in capitals',
    cases: /^POST (hashedrekord: spec\.data\.hash|intoto.*: spec\.content\.hash)\.value in capitals$/,
    fact: statusOrMessage,
    ours: /^(409|an equivalent entry .*)$/,
    upstream: /^(201)?$/,
  },
  {
    name: 'spellings of a key in intoto 0.0.2',
    cases:
      /^POST intoto-0\.0\.2.*: spec\.content\.envelope\.signatures\.\d\.publicKey with the last byte changed$/,
    fact: statusOrMessage,
    ours: /^(409|an equivalent entry .*)$/,
    upstream: /^(201)?$/,
  },
  {
    name: 'methods of retrieve',
    cases: /^GET \/api\/v1\/log\/entries\/retrieve$/,
    fact: statusOrMessage,
    ours: /^(405|method GET is not allowed.*)$/,
    upstream: /^(422|entryUUID in path .*)$/,
  },
  { name: 'HEAD', cases: /^HEAD \/api/, fact: statusOrMessage, ours: /^(200)?$/, upstream: /^(405)?$/ },
  {
    name: 'location behind an odd path',
    cases: /^POST with a (slash behind|query)$/,
    fact: /^header location$/,
    ours: /^\/api\/v1\/log\/entries\/<tree in hex>[0-9a-f]{64}$/,
  },
  {
    name: 'tree zero',
    cases: /(\/0{80}|a tree of zero)$/,
    fact: statusOrMessage,
    ours: /^(404|200)?$/,
    upstream: /^(500|400|unexpected error communicating .*|invalid entryID 0+)?$/,
  },
  {
    name: 'body that is no proposal',
    cases: /^POST (.*: (apiVersion|kind) |broken JSON|a list|a text|a byte order mark|null$)/,
    fact: statusOrMessage,
    ours: /^(400|422|the body is not valid JSON|.* in body .*)$/,
    upstream: /^(500|422|json: .*|unexpected EOF|invalid character .*|kind in body is required)$/,
  },
  {
    // The vector's key has two.
    name: 'OpenPGP keys of several user IDs',
    cases: /rekord pgp-subkey/,
    fact: /./,
  },
  {
    name: 'text behind a proposal',
    cases: /^POST (something|a second object) behind it$/,
    fact: statusOrMessage,
    ours: /^(400|the body is not valid JSON)$/,
    upstream: accepted,
  },
  {
    name: 'body above the limit',
    cases: /^POST above the limit$/,
    fact: statusOrMessage,
    ours: /^(413|Request Entity Too Large.*)$/,
    upstream: /^(500|http: request body too large)$/,
  },
  {
    name: 'e-mail address with a name',
    cases: /^search an e-mail address with a name$/,
    fact: statusOrMessage,
    ours: /^(422|email in body .*)$/,
    upstream: accepted,
  },
  {
    name: 'found by key',
    cases: /^search .* by key \d+( and digest)?$/,
    fact: /^(body shape|entries found)$/,
    upstream: /^(\[\])?$/,
  },
  {
    name: 'TUF signature of null',
    cases: /^POST tuf .*\.sig null$/,
    fact: statusOrMessage,
    ours: accepted,
    upstream: /^(400|error processing entry: tuf: invalid JSON hex bytes)$/,
  },
  {
    name: 'OpenPGP signatures of version 3',
    cases: /^POST (proposals\/rpm\.json|rekord pgp-v3)/,
    fact: statusOrMessage,
    ours: accepted,
    upstream: /^(400|.*signature packet version 3)$/,
  },
  {
    name: 'weak OpenPGP keys and digests',
    cases: /^POST rekord pgp-(brainpool|dsa|ward-sha1)\.sig/,
    fact: statusOrMessage,
    ours: /^(400|.*(unsupported feature|too weak).*)$/,
    upstream: accepted,
  },
  {
    name: 'members of intoto 0.0.2',
    cases: /^POST intoto-0\.0\.2-two-signers: spec\.content\.(hash|envelope\.signatures)/,
    fact: statusOrMessage,
    ours: refused,
    upstream: /^(201|409|500|an equivalent .*|error generating canonicalized entry)?$/,
  },
  {
    name: 'TUF metadata that is no text of base64',
    cases: /^POST tuf .*: spec\.(metadata|root)\.content a text$/,
    fact: statusOrMessage,
    ours: refused,
    upstream: /^(500|error generating canonicalized entry)$/,
  },
  {
    name: 'broken armour of SSH',
    cases: /^POST rekord-ssh: spec\.signature\.(publicKey\.)?content with the (first|last) byte changed$/,
    fact: statusOrMessage,
    ours: accepted,
    upstream: refused,
  },
  {
    name: 'bytes behind a file',
    cases: /^POST (rfc3161|proposals\/helm\.json|jar): spec\..*content of one byte more$/,
    fact: statusOrMessage,
    ours: refused,
    upstream: accepted,
  },
  {
    name: 'certificates beside the one of the signer',
    cases: /^POST rfc3161: spec\.tsr\.content with a byte in the middle changed$/,
    fact: statusOrMessage,
    ours: refused,
    upstream: accepted,
  },
  ...knownWordDifferences,
]
