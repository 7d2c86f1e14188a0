/**
 * What a bundle must be told of the sources. They look for their files beside themselves; in a bundle there is no beside, so what
 * they would read stands in it, threads and processes become programs of their own, and what is left out says so.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import * as util from 'node:util'
import type { OnLoadResult, OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from 'esbuild'

export type Sources = {
  readonly root: string
  readonly version: string
  /** In place of a module, by its path from the root. */
  readonly leftOut: Readonly<Record<string, string>>
  /** Packages that are not bundled, and what is imported in their place. */
  readonly elsewhere: Readonly<Record<string, string>>
  /** Where what a thread or process runs is, by its module from the root: an expression. */
  readonly placeOf: (module: string) => string
}

/** A source of the packages and services. */
export const ours = /[\\/](?:packages|services)[\\/][^\\/]+[\\/]src[\\/]/
/** What a thread or process of its own runs, from the root, where `from` starts it. */
const program = /new URL\('(\.\/[\w-]+)\.ts', import\.meta\.url\)/g
const migrations = /directory: new URL\('([\w./]+)', import\.meta\.url\)/g
/** The file that is run, and what {@link Sources.placeOf} says. */
const knownPlaces = /fileURLToPath\(import\.meta\.url\)\]|new URL\('\.\/[\w-]+\.js', import\.meta\.url\)/g
const mark = Symbol('resolved once')

export function sourcesPlugin(sources: Sources): Plugin {
  return {
    name: 'sources',
    setup(build) {
      const { root, leftOut, elsewhere } = sources
      for (const [name, place] of Object.entries(elsewhere))
        build.onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: place, external: true }))
      withoutSideEffects(build)
      giveNames(build)
      takeBuiltins(build)
      build.onLoad({ filter: ours }, ({ path: file }): OnLoadResult | undefined => {
        const name = path.relative(root, file).replaceAll(path.sep, '/')
        const replacement = leftOut[name]
        if (replacement !== undefined)
          return { contents: replacement, loader: 'ts', resolveDir: path.dirname(file) }
        if (!file.endsWith('.ts')) return undefined
        const text = readFileSync(file, 'utf8')
        return text.includes('import.meta')
          ? { contents: placed(text, file, name, sources), loader: 'ts', resolveDir: path.dirname(file) }
          : undefined
      })
    },
  }
}

/**
 * Only what is used of our packages comes along: none of their modules does anything by being loaded. To ask esbuild where each lies
 * would take it most of its time: a file names its neighbours as they are called, and a package is found once.
 */
export function withoutSideEffects(build: PluginBuild): void {
  const known = new Map<string, Promise<OnResolveResult>>()
  const find = async ({
    path: name,
    importer,
    resolveDir,
    kind,
  }: OnResolveArgs): Promise<OnResolveResult> => {
    const resolved = await build.resolve(name, { importer, resolveDir, kind, pluginData: mark })
    return { ...resolved, ...(ours.test(resolved.path) && { sideEffects: false }) }
  }
  build.onResolve({ filter: /^\.\.?\/.*\.ts$/ }, ({ path: name, importer, resolveDir }) =>
    ours.test(importer) ? { path: path.resolve(resolveDir, name), sideEffects: false } : undefined,
  )
  build.onResolve({ filter: /^@sigstack\// }, (found) => {
    if (found.pluginData === mark) return undefined
    const finding = known.get(found.path) ?? find(found)
    known.set(found.path, finding)
    return finding
  })
}

/**
 * A package of the older kind that is imported where it is needed has no names in a chunk of its own, but a default alone. Node finds
 * them in it, so it is asked.
 */
function giveNames(build: PluginBuild): void {
  build.onResolve({ filter: /^[^./]/ }, async (found) => {
    const { path: name, importer, resolveDir, kind } = found
    if (kind !== 'dynamic-import' || isBuiltin(name) || name.startsWith('@sigstack/')) return undefined
    const options = { importer, resolveDir, kind: 'import-statement', pluginData: mark } as const
    const { path: file, external } = await build.resolve(name, options)
    if (external || file === '') return undefined
    // What Node does not load is a module that only bundlers do.
    const exported: object = await import(pathToFileURL(file).href).catch(() => ({}))
    return 'module.exports' in exported ? { path: file, namespace: 'named' } : undefined
  })
  build.onLoad({ filter: /^/, namespace: 'named' }, async ({ path: file }) => {
    const exported: object = await import(pathToFileURL(file).href)
    const names = Object.keys(exported).filter((name) => name !== 'default' && name !== 'module.exports')
    const contents = [
      `import * as whole from ${JSON.stringify(file)}`,
      'export default whole.default',
      `export const { ${names.join(', ')} } = whole`,
    ]
    return { contents: contents.join('\n'), resolveDir: path.dirname(file) }
  })
}

/**
 * Node's own modules as they are: an `import` of one calls all of its getters, and those of `node:http` load a megabyte for names
 * that nobody asks for. Of `node:util`, whose members are loaded when anybody looks at how they are defined, as the bundle of an
 * older module does, it is the names that are used: another loads all of the threads.
 */
export function takeBuiltins(build: PluginBuild): void {
  build.onResolve({ filter: /^[a-z]/ }, ({ path: name, kind }) =>
    kind === 'import-statement' && isBuiltin(name) ? { path: name, namespace: 'builtin' } : undefined,
  )
  build.onLoad({ filter: /^/, namespace: 'builtin' }, async ({ path: name }) => {
    const whole = `process.getBuiltinModule(${JSON.stringify(name)})`
    const [, bare = ''] = /^(?:node:)?(.*)$/.exec(name) ?? []
    if (bare === 'util') return { contents: namesOfUtil(whole) }
    return { contents: seldomUsed.has(bare) ? await namesOnDemand(name, whole) : `module.exports = ${whole}` }
  })
}

/** What many modules import for what they seldom do. It is loaded when that is done. */
const seldomUsed = new Set(['child_process', 'worker_threads', 'zlib'])

/** Copies of an object of getters, as bundles make them, call none. */
async function namesOnDemand(name: string, whole: string): Promise<string> {
  const names = Object.keys((await import(name)) as object).filter((each) => each !== 'default')
  const getters = names.map((each) => `get ${each}() { return whole().${each} }`)
  return `let kept\nconst whole = () => (kept ??= ${whole})\nmodule.exports = { ${getters.join(', ')} }`
}

/** A bundle leaves out those that nobody imports. */
function namesOfUtil(whole: string): string {
  const names = Object.keys(util).filter((each) => each !== 'default')
  const exported = names.map((each) => `export const ${each} = /* @__PURE__ */ (() => whole.${each})()`)
  return [`const whole = ${whole}`, 'export default whole', ...exported].join('\n')
}

function placed(text: string, file: string, name: string, { version, placeOf }: Sources): string {
  const folder = path.posix.dirname(name)
  const replaced = text
    .replace(
      `JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))`,
      JSON.stringify({ version }),
    )
    .replace('createRequire(import.meta.url)(', 'require(')
    .replaceAll(migrations, (_, directory: string) => {
      const place = path.join(path.dirname(file), directory)
      const files = readdirSync(place)
        .filter((each) => each.endsWith('.sql'))
        .map((each) => ({ name: each, sql: readFileSync(path.join(place, each), 'utf8') }))
      return `files: ${JSON.stringify(files)}`
    })
    .replaceAll(program, (_, script: string) => placeOf(path.posix.join(folder, script)))
  // It would find nothing there, and only when it is used.
  if (/import\.meta/.test(replaced.replaceAll(knownPlaces, '')))
    throw new Error(`${name} looks beside itself for what no bundle has there`)
  return replaced
}
