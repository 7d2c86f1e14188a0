/**
 * What the commands that run most often load, in few files: esbuild cuts what several commands share into dozens of small ones, and
 * Node looks for, reads and links each of them for itself, which takes longer than running them. Every other file stays, and finds
 * in the joined ones what it shares with them: a module is there once.
 */
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild'

const settings = {
  bundle: true,
  minify: true,
  keepNames: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  legalComments: 'none',
  logLevel: 'warning',
} satisfies BuildOptions

type Outputs = Metafile['outputs']
/** By the joined file that has it: what another file imports of this one, and under which name it is there. */
type Place = { readonly name: string; readonly exports: readonly (readonly [own: string, there: string])[] }

/**
 * Joins the outputs of each group of `sources` and what they import, but for what an earlier group has; the name of a group is that
 * of its file. No source may run anything that loads others when it is loaded itself: they would wait for a file that waits for them.
 */
export async function joinChunks(
  root: string,
  outputs: Outputs,
  groups: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  const places = new Map<string, Place>()
  const entries = new Set<string>()
  for (const [name, sources] of Object.entries(groups)) {
    const first = Object.keys(outputs).filter((file) => sources.includes(outputs[file]?.entryPoint ?? ''))
    if (first.length !== sources.length) throw new Error(`what is to be joined in ${name} has no file`)
    const own = [...closureOf(outputs, first)].filter((file) => !places.has(file))
    await join(root, outputs, name, own, places)
    for (const file of own) places.set(file, placeOf(outputs, name, file))
    for (const file of first) entries.add(file)
  }
  await pointThere(
    root,
    Object.keys(outputs).filter((file) => !places.has(file)),
    places,
  )
  // Others name them no more, unless they are loaded on demand.
  const wanted = new Set([...entries, ...loadedOnDemand(outputs)])
  for (const [file, place] of places) {
    if (wanted.has(file)) writeFileSync(path.resolve(root, file), fromPlace(place))
    else rmSync(path.resolve(root, file))
  }
}

/** `own` into one file; what they import of `places` is imported from there. */
async function join(
  root: string,
  outputs: Outputs,
  name: string,
  own: readonly string[],
  places: ReadonlyMap<string, Place>,
): Promise<void> {
  const folder = path.resolve(root, path.dirname(own[0] ?? ''))
  const exported = own.map((file) => {
    const list = placeOf(outputs, name, file).exports.map(([from, there]) => `${from} as ${there}`)
    return `export { ${list.join(', ')} } from './${path.basename(file)}'`
  })
  await build({
    ...settings,
    stdin: { contents: exported.join('\n'), resolveDir: folder, loader: 'js' },
    outfile: path.join(folder, `${name}.js`),
    absWorkingDir: root,
    plugins: [joinedAlone(root, new Set(own), places)],
  })
}

/** What `files` import of `places` is imported from the joined files. */
async function pointThere(
  root: string,
  files: readonly string[],
  places: ReadonlyMap<string, Place>,
): Promise<void> {
  const [first = ''] = files
  await build({
    ...settings,
    entryPoints: files.map((file) => path.resolve(root, file)),
    outdir: path.resolve(root, path.dirname(first)),
    allowOverwrite: true,
    absWorkingDir: root,
    plugins: [joinedAlone(root, new Set(), places)],
  })
}

function joinedAlone(root: string, own: ReadonlySet<string>, places: ReadonlyMap<string, Place>): Plugin {
  return {
    name: 'joined alone',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^/ }, ({ path: name, resolveDir, kind }) => {
        if (kind === 'entry-point') return undefined
        if (!name.startsWith('.')) return { path: name, external: true }
        const file = path.relative(root, path.resolve(resolveDir, name)).replaceAll(path.sep, '/')
        if (kind !== 'import-statement') return { path: name, external: true }
        if (own.has(file)) return { path: path.resolve(root, file) }
        return places.has(file) ? { path: file, namespace: 'elsewhere' } : { path: name, external: true }
      })
      onLoad({ filter: /^/, namespace: 'elsewhere' }, ({ path: file }) => {
        const place = places.get(file)
        return place === undefined ? undefined : { contents: fromPlace(place) }
      })
    },
  }
}

function placeOf(outputs: Outputs, name: string, file: string): Place {
  const prefix = path.basename(file, '.js').replaceAll(/[^A-Za-z0-9]/g, '_')
  return { name, exports: (outputs[file]?.exports ?? []).map((own) => [own, `${prefix}_${own}`] as const) }
}

function fromPlace({ name, exports }: Place): string {
  return `export{${exports.map(([own, there]) => `${there} as ${own}`).join(',')}}from"./${name}.js";\n`
}

/** What is loaded with them. */
function closureOf(outputs: Outputs, files: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>()
  const visit = (file: string): void => {
    if (found.has(file)) return
    found.add(file)
    for (const { path: next, kind, external } of outputs[file]?.imports ?? [])
      if (kind === 'import-statement' && external !== true) visit(next)
  }
  for (const file of files) visit(file)
  return found
}

function loadedOnDemand(outputs: Outputs): readonly string[] {
  return Object.values(outputs).flatMap(({ imports }) =>
    imports.filter(({ kind }) => kind === 'dynamic-import').map(({ path: file }) => file),
  )
}
