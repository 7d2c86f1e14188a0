/** Runs commands in the protocol, each as a process with nothing of this one's environment, and none of them leaves the machine. */
import { fileURLToPath } from 'node:url'
import { runToEnd } from '../support/run-command.ts'
import type { Case } from './cases.ts'

const entrypoint = fileURLToPath(new URL('entrypoint', import.meta.url))
const tool = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))

export type Place = { readonly folder: string; readonly environment: Readonly<Record<string, string>> }

export type Ended = { readonly status: number; readonly stdout: string; readonly stderr: string }

const timeoutMs = 120_000

export function runEntrypoint(words: readonly string[], { folder, environment }: Place): Promise<Ended> {
  return runToEnd(entrypoint, words, { environment, folder, timeoutMs })
}

/** What went otherwise than it must; undefined where nothing did. */
export async function complaintOf(each: Case, place: Place): Promise<string | undefined> {
  const { isProtocol, words, mustPass, reason } = each
  const { status, stderr } = isProtocol
    ? await runEntrypoint(words, place)
    : await runToEnd(process.execPath, [tool, ...words], { ...place, timeoutMs })
  const told = stderr.trim().slice(0, 500)
  if (mustPass) return status === 0 ? undefined : `is refused (status ${status}): ${told}`
  if (status === 0) return 'is accepted'
  return reason === undefined || stderr.includes(reason)
    ? undefined
    : `is refused for another reason: ${told}`
}
