/** The licence of every package that is in a bundle, as it comes with the package. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Metafile } from 'esbuild'
import { root } from './bundle.ts'

type Manifest = { readonly name: string; readonly version: string; readonly license?: string }

/** `above` is what else is to be told. */
export function licencesOf(made: Metafile, above = ''): string {
  // Many are under the very same words.
  const byText = new Map<string, string[]>()
  for (const folder of foldersOf(made)) {
    const { name, version, license = 'no word on its licence' } = manifestIn(folder)
    const text = globSync('{LICEN[SC]E,licen[sc]e,NOTICE,COPYING}{,.*,-*}', { cwd: folder })
      .toSorted()
      .map((file) => readFileSync(path.join(folder, file), 'utf8').trim())
      .join('\n\n')
    byText.set(text, [...(byText.get(text) ?? []), `${name} ${version}: ${license}`])
  }
  const parts = [...byText].map(([text, names]) => `${names.toSorted().join('\n')}\n\n${text}\n`).toSorted()
  return `The software of others that is in this tool.\n\n${above}${parts.join(`\n${'-'.repeat(80)}\n\n`)}`
}

/** Of the packages that anything came out of. */
function foldersOf({ outputs }: Metafile): readonly string[] {
  const inputs = Object.values(outputs).flatMap(({ inputs: from }) =>
    // What only gives names to a package stands for nothing that the package itself does not.
    Object.entries(from).flatMap(([file, { bytesInOutput }]) =>
      bytesInOutput > 0 && !file.startsWith('named:') ? [file] : [],
    ),
  )
  const folders = inputs.flatMap((file) => {
    const end = file.lastIndexOf('node_modules/')
    if (end < 0) return []
    const inside = file.slice(end + 'node_modules/'.length).split('/')
    const depth = inside[0]?.startsWith('@') === true ? 2 : 1
    return [path.join(root, file.slice(0, end), 'node_modules', ...inside.slice(0, depth))]
  })
  return [...new Set(folders)]
}

function manifestIn(folder: string): Manifest {
  const file = path.join(folder, 'package.json')
  if (!existsSync(file)) throw new Error(`${folder} is no package`)
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest
}
