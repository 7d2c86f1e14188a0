/** The promise of a CT log as a file of its own: the answer of its add-chain, as cosign takes it. */
import { CtError, parseAddChainResponse, type Sct } from '@sigstack/ct'
import { CliError } from '../errors.ts'
import { readTextInput } from '../files.ts'
import type { Io } from '../io.ts'

/** Throws `bad_bundle`. */
export async function readSctFile(io: Io, path: string): Promise<Sct> {
  const text = await readTextInput(io, path, 'SCT')
  try {
    return parseAddChainResponse(text)
  } catch (cause) {
    if (!(cause instanceof CtError)) throw cause
    throw new CliError('bad_bundle', `${path} holds no SCT: ${cause.message}`, { cause })
  }
}
