import { verifyTimestamps } from '@sigstack/verification'
import { CliError } from '../../errors.ts'
import { readInput } from '../../files.ts'
import type { Io } from '../../io.ts'
import { readTrustedRoot } from '../../trust-source.ts'
import { ownAuthorities } from '../../verifying/own-authorities.ts'

export type VerifyOptions = {
  readonly timestamp?: string
  readonly certificateChain?: string
  readonly trustedRoot?: string
  readonly data?: string
  readonly profile?: string
  readonly json?: boolean
}

export async function verifyTimestamp(io: Io, file: string, options: VerifyOptions): Promise<void> {
  const { certificateChain } = options
  if (file === '-' && options.timestamp === undefined)
    throw new CliError('bad_usage', 'for standard input name the stamp with --timestamp')
  const content = await readInput(io, file)
  const response = await readInput(io, options.timestamp ?? `${file}.tsr`)
  const authorities =
    certificateChain === undefined
      ? (await readTrustedRoot(io, options)).trustedRoot.timestampAuthorities
      : await ownAuthorities({ certificateChain })
  const { times, refused } = await verifyTimestamps([response], [content], authorities)
  const [time] = times
  if (time === undefined) throw refused[0] ?? new CliError('not_verified', 'the stamp does not verify')
  if (options.json === true) io.out(`${JSON.stringify({ time: time.toISOString() })}\n`)
  io.err(`Verified OK: stamped at ${time.toISOString()}\n`)
}
