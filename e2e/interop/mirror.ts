/** The published trust as clients of TUF get it: a mirror, and the root that users are handed beside it. */
import { appendFile, copyFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { InteropError } from '../support/interop-error.ts'
import { type Check, type Kind, type Session, type TrustFiles, type VerifyJob } from './client.ts'

export type Mirror = {
  readonly url: string
  /** Path of the root to begin with. */
  readonly root: string
}

export async function mirrorOf({ mirror: url }: TrustFiles, { folder }: Session): Promise<Mirror> {
  const root = path.join(folder, 'root.json')
  await writeFile(root, await (await fetch(`${url}/root.json`)).text())
  return { url, root }
}

export type MirrorClient = {
  /** Tells the client of the mirror, once. */
  readonly initialize?: (session: Session, mirror: Mirror) => Promise<void>
  /** Signs the job's file, and believes in the mirror only. Without it the entry of the matrix is verified. */
  readonly sign?: (session: Session, job: VerifyJob, mirror: Mirror) => Promise<void>
  readonly verify: (session: Session, job: VerifyJob, mirror: Mirror) => Promise<void>
}

/** With no file of keys or trust anywhere: what the client knows it has from the mirror. */
export function mirrorCheck(client: MirrorClient, kind: Kind = 'bundle'): Check {
  return {
    kind,
    name: `the TUF repository: ${client.sign ? 'sign, verify' : 'verify'}, refuse another identity and an altered file`,
    run: async (session, entry) => {
      const mirror = await mirrorOf(entry.trust, session)
      await client.initialize?.(session, mirror)
      const bundle = path.join(session.folder, 'by-mirror.sigstore.json')
      const job = client.sign ? { ...entry, bundle } : entry
      await client.sign?.(session, job, mirror)
      await client.verify(session, job, mirror)
      const file = path.join(session.folder, 'altered-for-mirror.txt')
      await copyFile(job.file, file)
      await appendFile(file, 'altered\n')
      const identity = { ...job.identity, email: `not-${job.identity.email}` }
      for (const altered of [
        { ...job, identity },
        { ...job, file },
      ])
        await expectRefusal(() => client.verify(session, altered, mirror))
    },
  }
}

async function expectRefusal(verify: () => Promise<void>): Promise<void> {
  try {
    await verify()
  } catch (error) {
    if (error instanceof InteropError && error.code === 'failed') return
    throw error
  }
  throw new InteropError('failed', 'accepted another identity or an altered file')
}
