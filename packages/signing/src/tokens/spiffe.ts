/**
 * A JWT-SVID of SPIFFE's Workload API (SPIFFE_Workload_API.md section 6.2): one call over the socket of the agent on this machine.
 * Its two messages are small enough to be read and written by hand.
 */
import { quoted } from '@sigstack/crypto'
import { networkReason } from '@sigstack/http-client'
import { SigningError } from '../errors.ts'
import { audience, type Surroundings, tokenBounds } from './surroundings.ts'

/** Where SPIRE's agent listens unless it is told otherwise. */
const usualSocket = '/tmp/spire-agent/public/api.sock'
/** gRPC's PERMISSION_DENIED: the agent knows no identity for this process. */
const permissionDenied = 7

export async function fromSpiffe(surroundings: Surroundings): Promise<string | undefined> {
  const named = surroundings.environment['SPIFFE_ENDPOINT_SOCKET'] || undefined
  const path = named === undefined ? usualSocket : socketPathOf(named)
  if (named === undefined && !(await surroundings.isSocket(path))) return undefined
  const answer = await surroundings
    .callSocket(path, {
      method: '/SpiffeWorkloadAPI/FetchJWTSVID',
      // Without it the agent refuses, so that no browser can be made to ask.
      metadata: { 'workload.spiffe.io': 'true' },
      message: lengthDelimited(1, Buffer.from(audience)),
      ...tokenBounds,
    })
    .catch((cause: unknown) => {
      throw refused(`the Workload API at ${quoted(path)} does not answer: ${networkReason(cause)}`)
    })
  if (answer.status === permissionDenied) throw refused('it knows no identity for this process')
  if (answer.status !== 0)
    throw refused(`it refuses with status ${answer.status}: ${quoted(answer.reason, 200)}`)
  const [svid] = fieldsIn(answer.message, 1)
  const [token] = svid === undefined ? [] : fieldsIn(svid, 2)
  if (token === undefined || token.length === 0) throw refused('it answers without one')
  return token.toString('latin1')
}

function socketPathOf(named: string): string {
  const path = /^unix:(?:\/\/)?(\/.*)$/.exec(named)?.[1]
  if (path !== undefined) return path
  throw refused(`SPIFFE_ENDPOINT_SOCKET is ${quoted(named, 200)}, which is no unix:///path`)
}

function refused(reason: string): SigningError {
  return new SigningError('bad_token', `SPIFFE gives no identity token: ${reason}`)
}

function lengthDelimited(field: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2, bytes.length]), bytes])
}

/** The values of a field of bytes; other fields are passed over. What is no message has none. */
function fieldsIn(message: Buffer, wanted: number): readonly Buffer[] {
  const found: Buffer[] = []
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; shift < 35 && at < message.length; shift += 7) {
      const byte = message[at++] ?? 0
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    return Number.NaN
  }
  while (at < message.length) {
    const tag = varint()
    // Only what is delimited by its length is in these messages.
    const length = (tag & 7) === 2 ? varint() : Number.NaN
    if (!(at + length <= message.length)) return []
    if (tag >>> 3 === wanted) found.push(message.subarray(at, at + length))
    at += length
  }
  return found
}
