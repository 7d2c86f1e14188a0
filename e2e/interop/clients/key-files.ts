/** Signing with pairs of keys in files: each tool with its own pair, and with one that another tool made. */
import type { Session, Signer, SignJob, Verifier, VerifyJob } from '../client.ts'
import { predicateTypeName } from '../statement.ts'
import { predicateFlags } from './cosign-commands.ts'

export type KeyTool = {
  /** The words that call it. */
  readonly words: readonly string[]
  /** What it wants beside a key in order to sign with the log. */
  readonly signFlags: (job: SignJob, session: Session) => readonly string[]
  readonly verifyFlags: readonly string[]
}

/** Every pair has it. */
const environment = { COSIGN_PASSWORD: 'interop' }

async function run(session: Session, words: readonly string[], args: readonly string[]): Promise<void> {
  const [command = '', ...first] = words
  await session.run(command, [...first, ...args], { environment })
}

/** `maker` is the tool whose pair it is, where that is another one. */
export function keySigners(
  tool: KeyTool,
  maker?: { readonly name: string; readonly words: readonly string[] },
): readonly Signer[] {
  const way = maker === undefined ? 'key' : `key of ${maker.name}`
  const sign =
    (command: string, what: (session: Session) => Promise<readonly string[]>) =>
    async (session: Session, job: SignJob): Promise<void> => {
      await run(session, maker?.words ?? tool.words, ['generate-key-pair', '--output-key-prefix', job.bundle])
      await run(session, tool.words, [
        command,
        '--yes',
        ...tool.signFlags(job, session),
        '--key',
        `${job.bundle}.key`,
        ...(await what(session)),
        '--bundle',
        job.bundle,
        job.file,
      ])
    }
  return [
    { kind: 'key bundle', way, sign: sign('sign-blob', async () => []) },
    { kind: 'key attestation', way: `${way}, attest`, sign: sign('attest-blob', predicateFlags) },
  ]
}

export function keyVerifiers(tool: KeyTool): readonly Verifier[] {
  const verify =
    (...command: readonly string[]) =>
    (session: Session, job: VerifyJob): Promise<void> =>
      run(session, tool.words, [
        ...command,
        ...tool.verifyFlags,
        '--trusted-root',
        job.trust.trustedRoot,
        '--key',
        `${job.bundle}.pub`,
        '--bundle',
        job.bundle,
        job.file,
      ])
  const common = { checksCertificate: false }
  return [
    { ...common, kinds: ['key bundle'], way: 'key', verify: verify('verify-blob') },
    {
      ...common,
      kinds: ['key attestation'],
      way: 'key, attestation',
      verify: verify('verify-blob-attestation', '--type', predicateTypeName),
    },
  ]
}
