/** The file of a policy, and the trust that goes with it. */
import { type ImagePolicy, ImagePolicyError, readImagePolicy } from '@sigstack/image-policy'
import { parseTrustedRoot, type TrustedRoot } from '@sigstack/trust-root'
import { CliError } from '../errors.ts'
import { readTextInput } from '../files.ts'
import type { Io } from '../io.ts'
import { readTrustedRoot, type TrustOptions } from '../trust-source.ts'
import { usable } from '../usable.ts'

/** `-` is standard input. */
export async function readPolicyFile(io: Io, path: string): Promise<ImagePolicy> {
  const text = await readTextInput(io, path, 'policy')
  return telling(path, () => readImagePolicy(text))
}

/** What an option names, else what the policy brings along, else of the profile or the stack. */
export async function trustOfPolicy(
  io: Io,
  { trustedRoot }: ImagePolicy,
  options: TrustOptions,
): Promise<{ readonly trustedRoot: TrustedRoot; readonly text: string }> {
  const named = options.trustedRoot ?? options.profile ?? options.data
  if (trustedRoot === undefined || named !== undefined) return readTrustedRoot(io, options)
  const what = 'the trusted root in the policy'
  return { trustedRoot: usable(what, () => parseTrustedRoot(trustedRoot)), text: trustedRoot }
}

/** Refusals of a policy in the words of a command. */
export function telling<Value>(path: string, work: () => Value): Value {
  try {
    return work()
  } catch (cause) {
    if (!(cause instanceof ImagePolicyError)) throw cause
    const { code, message, reasons } = cause
    throw new CliError('bad_policy', code === 'bad_policy' ? `${path}: ${message}` : message, {
      cause,
      reasons,
    })
  }
}
