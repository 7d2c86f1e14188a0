/** Signed images in folders: what one tool saves each of them loads, digest for digest, and it verifies there. */
import path from 'node:path'
import { reasonOf } from '@sigstack/crypto'
import type { Digest, Repository } from '@sigstack/oci'
import type { ImageForm, ImageJob, Installed } from './image-tools.ts'

/** What went otherwise than it must. */
export async function tryKept(
  saver: Installed,
  loaders: readonly Installed[],
  form: ImageForm,
  repository: Repository,
  signed: Digest,
  { job, checksBlobs }: { readonly job: ImageJob; readonly checksBlobs: boolean },
): Promise<readonly string[]> {
  const isKept = ({ tool }: Installed): boolean => tool.keeps.includes(form)
  if (!isKept(saver)) return []
  const { registry, repository: name } = repository.name
  const folder = path.join(saver.session.folder, `kept-${name.replaceAll('/', '-')}`)
  const failures: string[] = []
  const attempt = async (what: string, step: () => Promise<unknown>): Promise<void> => {
    await step().catch((error: unknown) => failures.push(`${what}: ${reasonOf(error)}`))
  }
  await attempt('does not save', () => call(saver, 'save', '--dir', folder, `${registry}/${name}@${signed}`))
  for (const loader of loaders.filter(isKept)) {
    const { tool } = loader
    if (tool.loadsManifestsFirst === true && checksBlobs && form === 'bundle') continue
    const loaded = `${registry}/${name}-${tool.name}`
    await attempt(`${tool.name} does not load`, () => call(loader, 'load', '--dir', folder, `${loaded}:kept`))
    // By its digest: whoever changed the image while loading it has lost it.
    for (const verifier of loaders)
      await attempt(`${verifier.tool.name} does not verify what ${tool.name} loaded`, () =>
        verifier.tool.verify(verifier.session, form, `${loaded}@${signed}`, job),
      )
  }
  return failures
}

async function call({ tool, session }: Installed, ...words: readonly string[]): Promise<void> {
  const [program = '', ...before] = tool.command
  await session.run(program, [...before, ...words])
}
