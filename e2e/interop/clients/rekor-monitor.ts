/** The monitor of Rekor logs: whether a log only grows, and who signed. It takes its trust from the TUF repository. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { InteropError } from '../../support/interop-error.ts'
import { type Check, type Client, type Session, type VerifyJob } from '../client.ts'
import { growLog } from '../grow-log.ts'
import { mirrorOf } from '../mirror.ts'
import { type MonitoredLog, monitorFindings, monitorSettings, type Watched } from '../monitor-findings.ts'
import { ourFindings } from '../our-findings.ts'

/** A timestamp response names nobody, and the monitor says so. */
const hasNoSigner = /\{\d+ [0-9a-f]{80} [^}]* does not support rfc3161 entry type\}/g

type Program = 'rekor_monitor' | 'ct_monitor'

type Monitor = (
  session: Session,
  job: VerifyJob,
  flags: readonly string[],
  program?: Program,
) => Promise<string>

export const rekorMonitor: Client = {
  name: 'rekor-monitor',
  install: async ({ goInstall, versionOf }) => {
    const version = versionOf('rekor-monitor', '564014c8c3a2')
    const install = (program: Program) =>
      goInstall({
        name: program.replace('_', '-'),
        module: `github.com/sigstore/rekor-monitor/cmd/${program}`,
        version,
      })
    const programs = {
      rekor_monitor: await install('rekor_monitor'),
      ct_monitor: await install('ct_monitor'),
    }
    // Its status is 0 whatever it finds: only its words tell.
    const monitor: Monitor = async (session, { trust }, flags, program = 'rekor_monitor') => {
      const { url, root } = await mirrorOf(trust, session)
      const service = program === 'ct_monitor' ? 'ct' : 'rekor'
      const where = [
        '-url',
        `${session.endpoints.services[service]}`,
        '-tuf-repository',
        url,
        '-tuf-root-path',
        root,
      ]
      const seen = ['-file', checkpoints(session, program)]
      return (await session.run(programs[program], [...where, ...seen, ...flags])).stderr
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
    {
      kind: 'bundle',
      name: 'finds in the log of Rekor v1 what our monitor finds: an identity, a name, a key',
      run: async (session, entry) => {
        const key = await growLog(session, 3)
        await compare(session, entry, 'rekor', { ...entry.identity, domain: 'example.org', key })
      },
    },
    {
      kind: 'bundle',
      name: 'finds in the CT log what our monitor finds: an identity',
      run: (session, entry) => compare(session, entry, 'ct', entry.identity),
    },
  ]

  /** Both read the whole log. */
  async function compare(
    session: Session,
    entry: VerifyJob,
    log: MonitoredLog,
    watched: Watched,
  ): Promise<void> {
    const program = log === 'ct' ? 'ct_monitor' : 'rekor_monitor'
    await rm(checkpoints(session, program), { force: true })
    const found = path.join(session.folder, `found by ${program}.json`)
    await rm(found, { force: true })
    const config = path.join(session.folder, `${program}.yaml`)
    await writeFile(config, JSON.stringify(monitorSettings(log, watched, found)))
    const said = await monitor(session, entry, ['-config-file', config], program)
    const theirs = monitorFindings(await readFile(found, 'utf8').catch(() => ''))
    const ours = await ourFindings(session, log, watched)
    const missed = theirs.filter((finding) => !ours.includes(finding))
    const more = ours.filter((finding) => !theirs.includes(finding))
    if (theirs.length === 0) throw new InteropError('failed', `it found nothing: ${said.slice(-500)}`)
    if (missed.length > 0 || more.length > 0)
      throw new InteropError(
        'failed',
        `of ${theirs.length} findings ours has not ${JSON.stringify(missed.slice(0, 5))}, and has ${JSON.stringify(more.slice(0, 5))} beside`,
      )
  }
}

function checkpoints({ folder }: Session, program: Program = 'rekor_monitor'): string {
  return path.join(folder, `checkpoints of ${program}.txt`)
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
