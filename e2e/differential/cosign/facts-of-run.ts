/** What scripts see of a command that ended: its status, standard output, the kind of words on standard error, and files. */
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Facts } from '../facts.ts'
import type { Ended, Side } from './sides.ts'

export type Files = ReadonlyMap<string, string>

/** Every file by its name, with its mode and time. */
export async function filesIn(folder: string): Promise<Files> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((each) => each.isFile() && !each.parentPath.includes('/.'))
  const told = await Promise.all(
    files.map(async ({ parentPath, name }): Promise<[string, string]> => {
      const file = path.join(parentPath, name)
      const { mode, mtimeMs } = await stat(file)
      return [path.relative(folder, file), `${(mode & 0o777).toString(8)} ${mtimeMs}`]
    }),
  )
  return new Map(told)
}

export function factsOfRun(
  { status, stdout, stderr }: Ended,
  side: Side,
  [before, after]: readonly [Files, Files],
  known: readonly string[],
): Facts {
  const written = [...after]
    .filter(([name, told]) => before.get(name) !== told && !/(?:^|\/)blobs\//.test(name))
    .map(([name, told]) => `${name} ${told.split(' ')[0]}`)
  return new Map([
    ['status', String(status)],
    ['stdout', normalised(stdout, side, known)],
    ['stderr', kindOf(stderr)],
    ['checks', checksIn(stderr)],
    ['files', written.toSorted().join(', ')],
  ])
}

const kinds: readonly (readonly [string, RegExp])[] = [
  ['warning', /^WARNING: /m],
  ['checks', /^The following checks were performed/m],
  ['verified', /^Verified OK$/m],
  ['written', /^(?:Wrote bundle to file|Private key written to|Public key written to) /m],
]

/** Where a command failed the error alone counts. Progress, and what is said of flags that are to go, is for people. */
function kindOf(stderr: string): string {
  if (stderr.includes('Error: ')) return 'an error'
  const found = kinds.filter(([, form]) => form.test(stderr)).map(([name]) => name)
  return found.length > 0 ? found.join(' and ') : 'nothing that counts'
}

/** Those that are told after the sentence that announces them. */
function checksIn(stderr: string): string {
  const [, ...told] = stderr.split('The following checks were performed')
  return told.flatMap((part) => [...part.matchAll(/^ {2}- (.*)$/gm)].map(([, words]) => words)).join('; ')
}

/** Without what must differ from run to run. */
function normalised(text: string, { folder, repository }: Side, known: readonly string[]): string {
  return text
    .replaceAll(repository, '{repo}')
    .replaceAll(folder, '{folder}')
    .replaceAll(/[0-9a-f]{40,}/g, (hex) => (known.some((each) => each.endsWith(hex)) ? hex : '<hex>'))
    .replaceAll(/(?<![A-Za-z0-9+/:])[A-Za-z0-9+/]{43,}={0,2}/g, '<base64>')
    .replaceAll(/(?:<base64>\n)+[A-Za-z0-9+/]+={0,2}\n/g, '<base64>\n')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+\d\d:\d\d)/g, '<time>')
    .replaceAll(/"(logIndex|integratedTime)":\d+/g, '"$1":<number>')
}
