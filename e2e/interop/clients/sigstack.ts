import { readFile } from 'node:fs/promises'
import { programOf } from '@sigstack/server/program'
import type { Client, Session, SignJob, VerifyJob } from '../client.ts'
import { predicateTypeName } from '../statement.ts'
import { identityFlags, predicateFlags } from './cosign-commands.ts'
import { type KeyTool, keySigners, keyVerifiers } from './key-files.ts'

const program = programOf(new URL('../../../packages/cli/src/main.ts', import.meta.url))
const manifest = new URL('../../../packages/cli/package.json', import.meta.url)

/** The words that call the tool of this house. */
export const sigstackWords: readonly string[] = [process.execPath, ...program]

const keys: KeyTool = {
  words: sigstackWords,
  signFlags: ({ trust }) => ['--trust-config', trust.clientTrustConfig],
  verifyFlags: [],
}

async function sign(
  session: Session,
  { file, bundle, trust }: SignJob,
  ...command: readonly string[]
): Promise<void> {
  const who = ['--identity-token', await session.token()]
  const where = ['--trust-config', trust.clientTrustConfig, '--bundle', bundle]
  await session.run(process.execPath, [...program, ...command, ...where, ...who, file])
}

async function verify(session: Session, job: VerifyJob, ...command: readonly string[]): Promise<void> {
  const { file, bundle, trust } = job
  const what = ['--trusted-root', trust.trustedRoot, '--bundle', bundle]
  await session.run(process.execPath, [...program, ...command, ...what, ...identityFlags(job), file])
}

/** The tool of this house, to be held against the others. */
export const sigstack: Client = {
  name: 'sigstack',
  install: async () => ({
    version: (JSON.parse(await readFile(manifest, 'utf8')) as { version: string }).version,
    signers: [
      { kind: 'bundle', sign: (session, job) => sign(session, job, 'sign-blob') },
      {
        kind: 'attestation',
        sign: async (session, job) => sign(session, job, 'attest-blob', ...(await predicateFlags(session))),
      },
      {
        kind: 'cosign legacy',
        way: 'legacy bundle',
        sign: (session, job) => sign(session, job, 'sign-blob', '--new-bundle-format=false'),
      },
      ...keySigners(keys),
    ],
    verifiers: [
      { kinds: ['bundle'], verify: (session, job) => verify(session, job, 'verify-blob') },
      {
        kinds: ['attestation'],
        verify: (session, job) =>
          verify(session, job, 'verify-blob-attestation', '--type', predicateTypeName),
      },
      {
        kinds: ['cosign legacy'],
        way: 'legacy bundle',
        verify: (session, job) => verify(session, job, 'verify-blob'),
      },
      ...keyVerifiers(keys),
    ],
  }),
}
