/** Where our log and upstream's of Rekor v2 differ. */
import type { KnownDifference } from '../known-difference.ts'

const statusOrReason = /^(status|body|body\.message)$/
const refused = /^(400|http: request body too large|invalid hashedrekord request|the request is not JSON)$/
const taken = /^(201|409|an equivalent entry .*)?$/

export const knownRekorV2Differences: readonly KnownDifference[] = [
  { name: 'request id', fact: /^header x-request-id$/, upstream: /^$/ },
  {
    name: 'any origin may read',
    fact: /^header (access-control-allow-origin|vary)$/,
    ours: /^(\*|Origin)$/,
    upstream: /^$/,
  },
  {
    name: 'line feeds in base64',
    cases: /(digest|content|rawBytes) with (a line feed|line feeds inside)$/,
    fact: statusOrReason,
    ours: taken,
    upstream: /^(400|proto:.*)$/s,
  },
  {
    name: 'words of the decoder',
    fact: /^body\.message$/,
    ours: /^(the (request|document) |dsseRequestV002|hashedRekordRequestV002|\w+ is not a known member$)/i,
    upstream: /^(proto:|invalid character |unexpected EOF$)/,
  },
  {
    name: 'digests far too long',
    cases: /^digest of 4096 bytes$/,
    fact: /^body\.message$/,
    ours: /is longer than/,
    upstream: /^invalid hashedrekord request$/,
  },
  {
    name: 'labels that do not fit the key',
    cases: /^key /,
    fact: statusOrReason,
    ours: refused,
    upstream: taken,
  },
  {
    name: 'something behind the request',
    cases: /^JSON with (something|a second one) behind it$/,
    fact: statusOrReason,
    ours: refused,
    upstream: taken,
  },
  {
    name: 'bodies above the limit',
    cases: /^POST of (a byte more|twice as many)$/,
    fact: statusOrReason,
    ours: refused,
    upstream: taken,
  },
  {
    name: 'slashes',
    cases: /^POST with (a slash behind|doubled slashes)$/,
    fact: statusOrReason,
    ours: taken,
    upstream: /^(404|Not Found)$/,
  },
  {
    name: 'preflight',
    cases: /^OPTIONS .*\?preflight$/,
    fact: statusOrReason,
    ours: /^(204)?$/,
    upstream: /^(501|Method Not Allowed)?$/,
  },
  {
    name: 'first page',
    cases: /^GET \/$/,
    fact: statusOrReason,
    ours: /^(200|<!doctype html>.*)?$/s,
    upstream: /^(404|Not Found)?$/,
  },
  {
    name: 'HEAD',
    cases: /^HEAD \/healthz$/,
    fact: statusOrReason,
    ours: /^200$/,
    upstream: /^501$/,
  },
]
