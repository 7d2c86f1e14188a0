/** What a timestamp authority is asked, in both forms, and what authorities answer. */
import { readFileSync } from 'node:fs'
import { sha256 } from '@sigstack/crypto'
import {
  describeStamp,
  encodeTimestampRequest,
  parseJsonRequest,
  parseTimestampRequest,
} from '@sigstack/timestamp'
import type { Target } from './target.ts'

const vector = (name: string): Uint8Array =>
  readFileSync(new URL(`../../packages/timestamp/test/vectors/rfc3161-client/${name}`, import.meta.url))
const imprint = sha256('hello')

export function timestampTargets(): readonly Target[] {
  const refusals = ['TimestampError']
  return [
    {
      name: 'timestamp-request',
      form: 'der',
      seeds: [
        vector('sigstage/request.der'),
        vector('test_tsa/request.der'),
        encodeTimestampRequest({ hash: 'sha256', imprint }),
        encodeTimestampRequest({ hash: 'sha256', imprint, policy: '1.2.3.4', certificates: true }),
      ],
      refusals,
      run: (input) => parseTimestampRequest(input),
    },
    {
      name: 'timestamp-request-json',
      form: 'json',
      seeds: [
        Buffer.from(
          JSON.stringify({
            artifactHash: Buffer.from(imprint).toString('base64'),
            hashAlgorithm: 'sha256',
            nonce: 1123343434,
            certificates: true,
            tsaPolicyOID: '1.3.6.1.4.1.57264.2',
          }),
        ),
      ],
      refusals,
      run: (input) => parseJsonRequest(input),
    },
    {
      name: 'timestamp-response',
      form: 'der',
      seeds: [vector('sigstage/response-sha256.tsr'), vector('test_tsa/response.tsr')],
      refusals,
      run: (input) => describeStamp(input),
    },
  ]
}
