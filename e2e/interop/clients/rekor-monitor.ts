/** The monitor of Rekor logs: whether a log only grows, and who signed. It takes its trust from the TUF repository. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { InteropError } from '../../support/interop-error.ts'
import { type Check, type Client, type Session, type VerifyJob } from '../client.ts'
import { growLog } from '../grow-log.ts'
import { mirrorOf } from '../mirror.ts'

/** A timestamp response names nobody, and the monitor says so. */
const hasNoSigner = /\{\d+ [0-9a-f]{80} [^}]* does not support rfc3161 entry type\}/g

type Monitor = (session: Session, job: VerifyJob, flags: readonly string[]) => Promise<string>

export const rekorMonitor: Client = {
  name: 'rekor-monitor',
  install: async ({ goInstall, versionOf }) => {
    const version = versionOf('rekor-monitor', '564014c8c3a2')
    const program = await goInstall({
      name: 'rekor-monitor',
      module: 'github.com/sigstore/rekor-monitor/cmd/rekor_monitor',
      version,
    })
    // Its status is 0 whatever it finds: only its words tell.
    const monitor: Monitor = async (session, { trust }, flags) => {
      const { url, root } = await mirrorOf(trust, session)
      const where = [
        '-url',
        `${session.endpoints.services.rekor}`,
        '-tuf-repository',
        url,
        '-tuf-root-path',
        root,
      ]
      return (await session.run(program, [...where, '-file', checkpoints(session), ...flags])).stderr
    }
    return { version, signers: [], verifiers: [], checks: checks(monitor) }
  },
}

function checks(monitor: Monitor): readonly Check[] {
  return [
    {
      kind: 'bundle',
      name: 'a log that grows is consistent, at every step',
      run: async (session, entry) => {
        await rm(checkpoints(session), { force: true })
        await monitor(session, entry, [])
        for (const count of [1, 3, 40]) {
          const before = await newestSize(session)
          await growLog(session, count)
          const said = await monitor(session, entry, [])
          expect(said, `verified - Current Size: ${before + count} `)
          expect(said, `Previous Size: ${before} `)
        }
      },
    },
    {
      kind: 'bundle',
      name: 'an identity is found among entries of every kind',
      run: async (session, entry) => {
        const { email, issuer } = entry.identity
        const config = path.join(session.folder, 'monitor.yaml')
        await writeFile(
          config,
          JSON.stringify({
            startIndex: 0,
            monitoredValues: {
              certIdentities: [
                {
                  certSubject: `^${email.replaceAll('.', '\\.')}$`,
                  issuers: [issuer.replaceAll('.', '\\.')],
                },
              ],
            },
          }),
        )
        const said = await monitor(session, entry, ['-config-file', config])
        expect(said, `Found ${email} ${issuer} ${await logIndexOf(entry)} `)
        const unread = /failed to parse some log entries: \[(.*)\]/.exec(
          said.replaceAll(hasNoSigner, ''),
        )?.[1]
        if (unread?.trim()) throw new InteropError('failed', `it could not read ${unread}`)
      },
    },
    {
      kind: 'bundle',
      name: 'refuse a checkpoint of another history',
      run: async (session, entry) => {
        const text = await readFile(checkpoints(session), 'utf8')
        // The size stays, the root is another one.
        await writeFile(
          checkpoints(session),
          text.replace(/(\\n\d+\\n)(.)/, (_, size, first) => size + (first === 'A' ? 'B' : 'A')),
        )
        expect(await monitor(session, entry, []), 'error running consistency check')
      },
    },
  ]
}

function checkpoints({ folder }: Session): string {
  return path.join(folder, 'checkpoints.txt')
}

/** A line each, with line feeds written as `\n`: origin, size, root. */
async function newestSize(session: Session): Promise<number> {
  const lines = (await readFile(checkpoints(session), 'utf8')).trim().split('\n')
  return Number(lines.at(-1)?.split('\\n')[1])
}

async function logIndexOf({ bundle }: VerifyJob): Promise<string> {
  const { verificationMaterial } = JSON.parse(await readFile(bundle, 'utf8')) as {
    readonly verificationMaterial: { readonly tlogEntries: readonly { readonly logIndex: string }[] }
  }
  return `${verificationMaterial.tlogEntries[0]?.logIndex}`
}

function expect(said: string, part: string): void {
  if (!said.includes(part))
    throw new InteropError('failed', `it said nothing of ${JSON.stringify(part)}: ${said.slice(0, 500)}`)
}
