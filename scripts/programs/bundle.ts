/**
 * The programs of the stack and their threads in files that Node runs as they are: no types to strip, and some ten modules to find in
 * place of a thousand. What a source reads from beside itself it reads there still.
 */
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import path from 'node:path'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import { ours, takeBuiltins, withoutSideEffects } from '../tool/sources.ts'
import { onlyOurLines, type SourceMap } from './line-maps.ts'
import { nameOfThread } from './thread-name.ts'

/** Where a source starts a thread or process of its own. */
const program = /new URL\('\.\/([\w-]+)\.ts', import\.meta\.url\)/g
/** Tests that make many keys find here what it takes. */
const stretching = 'packages/signers/src/stretching.ts'
/** Under the LGPL: not a part of anything, and replaceable. */
const keptWhole = /^openpgp$/

/** Writes into `folder` a program for each service that is installed and the command line, by its name: `log.js`, `cli.js`. */
export async function bundlePrograms(root: string, folder: string): Promise<void> {
  const sources = globSync('{packages,services}/*/node_modules', { cwd: root }).flatMap((modules) =>
    globSync(`${path.dirname(modules)}/src/**/*.ts`, { cwd: root }),
  )
  const threads = sources.flatMap((source) => threadsOf(root, source))
  const mains = sources.filter((source) => /^(?:services\/[^/]+|packages\/cli)\/src\/main\.ts$/.test(source))
  const named = [
    ...mains.map((source) => [source.split('/')[1], source] as const),
    ['stretching', stretching] as const,
    ...threads.map((source) => [nameOfThread(source), source] as const),
  ]
  const options = {
    entryPoints: Object.fromEntries(named.map(([name, source]) => [name, path.join(root, source)])),
    outdir: folder,
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // What Node itself would take, and not what packages have for bundlers.
    conditions: [],
    mainFields: ['main'],
    keepNames: true,
    legalComments: 'none',
    sourcemap: 'linked',
    sourcesContent: false,
    write: false,
    logLevel: 'warning',
    external: ['pg-native'],
    // Packages of the older kind ask for Node's modules by `require`.
    banner: {
      js: `import{createRequire as createRequireHere}from'node:module';const require=createRequireHere(import.meta.url);`,
    },
    plugins: [inPlace(root, folder)],
  } satisfies BuildOptions
  const { outputFiles } = await build(options)
  mkdirSync(folder, { recursive: true })
  for (const { path: file, text } of outputFiles)
    writeFileSync(file, file.endsWith('.map') ? linesOf(text) : namingLess(text))
}

/** How esbuild has functions and classes keep their names. */
const naming = 'var __name = (target, value) => __defProp('

/**
 * The name of a class is read, as by oidc-provider; that of a function without a prototype is not, and most others have theirs already.
 * Functions are made by the dozen for each request, and naming one takes twenty times as long as making it.
 */
function namingLess(text: string): string {
  const isEnough = 'target.name === value || target.prototype === undefined'
  return text.replace(naming, `var __name = (target, value) => ${isEnough} ? target : __defProp(`)
}

function linesOf(map: string): string {
  return JSON.stringify(onlyOurLines(JSON.parse(map) as SourceMap, (source) => ours.test(source)))
}

function threadsOf(root: string, source: string): readonly string[] {
  const text = readFileSync(path.join(root, source), 'utf8')
  return [...text.matchAll(program)].map(([, name]) => `${path.dirname(source)}/${name}.ts`)
}

/** Everything that is not in the bundle is found where it was. */
function inPlace(root: string, folder: string): Plugin {
  return {
    name: 'in place',
    setup(build) {
      withoutSideEffects(build)
      takeBuiltins(build)
      const mark = Symbol('resolved once')
      build.onResolve({ filter: /^[^./]/ }, async (found) => {
        const { path: name, importer, resolveDir, kind, pluginData } = found
        // What is loaded when it is needed need not be here to be bundled: key services are not where nobody asked for them.
        const isElsewhere = kind === 'dynamic-import' || keptWhole.test(name)
        if (pluginData === mark || !isElsewhere || isBuiltin(name) || name.startsWith('@sigstack/'))
          return undefined
        const options = { importer, resolveDir, kind: 'import-statement', pluginData: mark } as const
        const { path: file } = await build.resolve(name, options)
        if (file === '') return { path: name, external: true }
        return { path: `./${fromTo(folder, file)}`, external: true }
      })
      build.onLoad({ filter: ours }, ({ path: file }) => {
        const text = readFileSync(file, 'utf8')
        if (!file.endsWith('.ts') || !/import\.meta|\bimport\(\w/.test(text)) return undefined
        return {
          contents: placed(text, fromTo(root, file), fromTo(folder, file)),
          loader: 'ts',
        }
      })
    },
  }
}

/** As a URL has it. */
function fromTo(folder: string, file: string): string {
  return path.relative(folder, file).replaceAll(path.sep, '/')
}

function placed(text: string, source: string, fromBundle: string): string {
  const url = (place: string) => `new URL(${JSON.stringify(place)}, import\0.meta.url)`
  const here = url(fromBundle)
  const folder = path.posix.dirname(source)
  return (
    text
      .replace('createRequire(import.meta.url)(', 'require(')
      .replaceAll(program, (_, name: string) => url(`./${nameOfThread(`${folder}/${name}.ts`)}.js`))
      .replaceAll('import.meta.url', `${here}.href`)
      .replaceAll(
        'import.meta.dirname',
        `process.getBuiltinModule('url').fileURLToPath(${url(path.posix.dirname(fromBundle))})`,
      )
      .replaceAll(/\bimport\((?=\w+\))(\w+)\)/g, `import(createRequireHere(${here}).resolve($1))`)
      // What is meant is the bundle, whereas what was there before meant the source.
      .replaceAll('import\0.meta', 'import.meta')
  )
}
