/** The CA's gRPC face: protobuf messages, and the frames around them, answered with a certificate or a refusal. */
import { generateKeyPairSync, sign } from 'node:crypto'
import { type CaUnderTest, email } from './ca-under-test.ts'
import type { Target } from './target.ts'

const url = '/dev.sigstore.fulcio.v2.CA/CreateSigningCertificate'

/** "Your argument", and "too large". */
const refusing = new Set(['3', '8'])
/** Bytes that are no message, or too many messages: libraries of gRPC give them 13 and 12, as they do faults of the server. */
const notAMessage = /^(parse binary|protocol error|received compressed)/

/** `requests` are certificate requests in PEM. */
export function grpcTargets({ app }: CaUnderTest, requests: readonly Uint8Array[]): readonly Target[] {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ format: 'pem', type: 'spki' })
  const credentials = field(1, field(1, 'a.b.c'))
  const key = Buffer.concat([Buffer.of(0x08, 2), field(2, spki)])
  const proof = field(2, sign('sha256', Buffer.from(email), privateKey))
  const messages = [
    Buffer.concat([credentials, field(2, Buffer.concat([field(1, key), proof]))]),
    ...requests.map((pem) => Buffer.concat([credentials, field(3, pem)])),
  ]
  const run = async (payload: Buffer): Promise<void> => {
    const headers = { 'content-type': 'application/grpc' }
    const answer = await app.inject({ method: 'POST', url, headers, payload })
    const status = answer.trailers['grpc-status'] ?? String(answer.headers['grpc-status'])
    const text = answer.trailers['grpc-message'] ?? String(answer.headers['grpc-message'])
    if (answer.statusCode !== 200) throw new Error(`HTTP status ${answer.statusCode}`)
    if (status === '0') return
    const refused = refusing.has(status) || (/^1[23]$/.test(status) && notAMessage.test(text))
    if (!refused) throw new Error(`gRPC status ${status}: ${text}`)
    throw new Refused(text)
  }
  const common = { form: 'bytes', refusals: ['Refused'] } as const
  return [
    { ...common, name: 'grpc-message', seeds: messages, run: (input) => run(framed(input)) },
    { ...common, name: 'grpc-frame', seeds: messages.map(framed), run: (input) => run(Buffer.from(input)) },
  ]
}

class Refused extends Error {
  override readonly name = 'Refused'
}

/** A field of wire type 2. */
function field(number: number, content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content)
  return Buffer.concat([Buffer.of((number << 3) | 2), varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes = []
  for (let rest = value; ; rest >>= 7) {
    if (rest < 0x80) return Buffer.of(...bytes, rest)
    bytes.push((rest & 0x7f) | 0x80)
  }
}

/** Not compressed, and the length before the message. */
function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}
