/** Installs clients into a cache folder outside the tree, each in a folder named after its version, once. */
import { createHash } from 'node:crypto'
import { access, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { reasonOf } from '@sigstack/crypto'
import { InteropError } from './interop-error.ts'
import { createRun, type Run } from './run-command.ts'

export type Workshop = {
  /** For asking an installed client its version. */
  readonly run: Run
  /** The version to use: the one the environment names, else the pinned one. */
  versionOf(name: string, pinned: string): string
  /** Absolute path of the program that `go install MODULE@VERSION` builds. */
  goInstall(tool: {
    readonly name: string
    readonly module: string
    readonly version: string
  }): Promise<string>
  /**
   * A folder with the program of `module`, and one of each of our own Go files, named after its folder. Built in a
   * module that requires nothing but `module`, which also works for those that `go install` cannot find.
   */
  goBuild(tool: {
    readonly name: string
    readonly module: string
    readonly version: string
    /** Paths of files `main.go`. */
    readonly sources: readonly string[]
    /** The module has no program of its own. */
    readonly isLibrary?: boolean
    /** The package of its program, where that is not the module itself. */
    readonly program?: string
    /** What its own go.mod replaces, in the words of go.mod: a module that requires it does not inherit that. */
    readonly replaces?: readonly string[]
    readonly tags?: readonly string[]
    /** Takes many minutes, so what is not in the cache is built only when slow builds are wanted. */
    readonly isSlow?: boolean
  }): Promise<string>
  /** What runs our one Java file with the library `artifact` (group and name) and all that it needs. */
  mavenBuild(library: {
    readonly name: string
    readonly artifact: string
    readonly version: string
    readonly source: string
  }): Promise<JavaProgram>
  /**
   * Absolute path of the program that Cargo builds of our own package in `source`, with this version of `crate`. It takes
   * minutes, so what is not in the cache is built only when slow builds are wanted.
   */
  cargoBuild(tool: {
    readonly name: string
    readonly crate: string
    readonly version: string
    readonly source: string
  }): Promise<string>
  /** An interpreter and the folder of packages to give it as PYTHONPATH. */
  pipInstall(tool: { readonly name: string; readonly version: string }): Promise<PythonPackages>
}

export type PythonPackages = { readonly python: string; readonly packages: string }

export type JavaProgram = { readonly java: string; readonly classPath: string }

const installTimeoutMs = 20 * 60_000

/** `environment` is the whole one of this process: installers need its proxies, homes and caches. */
export function openWorkshop(options: {
  readonly cacheFolder: string
  readonly environment: Readonly<Record<string, string>>
  readonly onProgress: (message: string) => void
  readonly slowBuilds?: boolean
  /** What is in the cache, and nothing else. */
  readonly installedOnly?: boolean
}): Workshop {
  const { cacheFolder, environment } = options
  const run = createRun({ environment, folder: cacheFolder })

  /** A folder under its final name is complete: what a stopped installation leaves has another one. */
  const once = async (key: string, install: (folder: string) => Promise<void>): Promise<string> => {
    const folder = path.join(cacheFolder, key)
    if (await exists(folder)) return folder
    if (options.installedOnly === true) throw new InteropError('missing', `${key} is not installed`)
    const partial = `${folder}.${process.pid}.partial`
    const start = performance.now()
    options.onProgress(`installing ${key} into ${cacheFolder}`)
    try {
      await mkdir(partial, { recursive: true })
      await install(partial)
      await rename(partial, folder)
    } catch (error) {
      await rm(partial, { recursive: true, force: true })
      throw asMissing(error)
    }
    options.onProgress(`installed ${key} in ${Math.round((performance.now() - start) / 1000)} s`)
    return folder
  }

  const demandSlowBuilds = (): void => {
    if (options.slowBuilds !== true)
      throw new Error('it takes minutes to build and was not built yet; --slow-builds does it')
  }

  return {
    run,
    versionOf: (name, pinned) =>
      environment[`SIGSTACK_INTEROP_${name.toUpperCase().replaceAll('-', '_')}_VERSION`] ?? pinned,
    goInstall: async ({ name, module, version }) => {
      const folder = await once(`${name}-${version}`, async (partial) => {
        await run('go', ['install', `${module}@${version}`], {
          environment: { GOBIN: partial },
          timeoutMs: installTimeoutMs,
        })
      })
      return path.join(folder, path.basename(module))
    },
    goBuild: async ({ name, module, version, sources, isLibrary = false, ...more }) =>
      once(await keyOf(`${name}-${version}`, sources), async (partial) => {
        const { program = module, replaces = [], tags = [], isSlow = false } = more
        if (isSlow) demandSlowBuilds()
        const code = path.join(partial, 'module')
        await mkdir(code)
        await writeFile(
          path.join(code, 'go.mod'),
          `module sigstack.test/interop\n\ngo 1.25.0\n\nrequire ${module} ${version}\n${replaces.map((each) => `replace ${each}\n`).join('')}`,
        )
        const build = (packagePath: string, file: string) =>
          run(
            'go',
            ['build', '-mod=mod', '-tags', tags.join(','), '-o', path.join(partial, file), packagePath],
            { folder: code, timeoutMs: installTimeoutMs },
          )
        if (!isLibrary) await build(program, path.basename(program))
        for (const source of sources) {
          const own = path.basename(path.dirname(source))
          await cp(source, path.join(code, own, 'main.go'))
          await build(`./${own}`, own)
        }
        await rm(code, { recursive: true })
      }),
    mavenBuild: async ({ name, artifact, version, source }) => {
      const folder = await once(await keyOf(`${name}-${version}`, [source]), async (partial) => {
        const [group, id] = artifact.split(':')
        await writeFile(
          path.join(partial, 'pom.xml'),
          `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>test.sigstack</groupId><artifactId>interop</artifactId><version>0</version>
  <dependencies>
    <dependency><groupId>${group}</groupId><artifactId>${id}</artifactId><version>${version}</version></dependency>
  </dependencies>
</project>
`,
        )
        const jars = path.join(partial, 'jars')
        await run('mvn', ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`], {
          folder: partial,
          timeoutMs: installTimeoutMs,
        })
        await run('javac', ['-cp', `${jars}/*`, '-d', path.join(partial, 'classes'), source])
      })
      return {
        java: 'java',
        classPath: [path.join(folder, 'classes'), `${path.join(folder, 'jars')}/*`].join(path.delimiter),
      }
    },
    cargoBuild: async ({ name, crate, version, source }) => {
      const files = ['Cargo.toml', 'src/main.rs'].map((file) => path.join(source, file))
      const key = await keyOf(`${name}-${version}`, files)
      const folder = await once(key, async (partial) => {
        demandSlowBuilds()
        const code = path.join(partial, 'package')
        await cp(source, code, { recursive: true })
        const manifest = path.join(code, 'Cargo.toml')
        const wanted = `${crate} = { version = "=${version}"`
        const text = await readFile(manifest, 'utf8')
        await writeFile(manifest, text.replace(new RegExp(`^${crate} = \\{ version = "[^"]*"`, 'm'), wanted))
        const target = path.join(partial, 'target')
        await run('cargo', ['build', '--quiet'], {
          folder: code,
          environment: { CARGO_TARGET_DIR: target },
          timeoutMs: installTimeoutMs,
        })
        await rename(path.join(target, 'debug', name), path.join(partial, name))
        await rm(target, { recursive: true })
        await rm(code, { recursive: true })
      })
      return path.join(folder, name)
    },
    pipInstall: async ({ name, version }) => {
      const folder = await once(`py-${name}-${version}`, async (partial) => {
        // Programs of a virtual environment name its folder, which is renamed; a plain folder of packages does not.
        await run('python3', ['-m', 'venv', path.join(partial, 'tools')])
        await run(
          path.join(partial, 'tools/bin/python'),
          [
            '-m',
            'pip',
            'install',
            '--quiet',
            '--disable-pip-version-check',
            '--target',
            path.join(partial, 'packages'),
            version === 'latest' ? name : `${name}==${version}`,
          ],
          { timeoutMs: installTimeoutMs },
        )
      })
      return { python: path.join(folder, 'tools/bin/python'), packages: path.join(folder, 'packages') }
    },
  }
}

/** In SIGSTACK_INTEROP_CACHE, else in the user's cache folder. */
export async function openUserWorkshop(
  onProgress: (message: string) => void,
  more: { readonly slowBuilds?: boolean; readonly installedOnly?: boolean } = {},
): Promise<Workshop> {
  const environment = Object.fromEntries(
    Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined),
  )
  const cacheFolder =
    environment.SIGSTACK_INTEROP_CACHE ??
    path.join(environment.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'sigstack-interop')
  await mkdir(cacheFolder, { recursive: true })
  return openWorkshop({ cacheFolder, environment, onProgress, ...more })
}

/** Another one whenever a program of ours changes. */
async function keyOf(name: string, sources: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  for (const source of sources) hash.update(await readFile(source))
  return `${name}-${hash.digest('hex').slice(0, 8)}`
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file)
    return true
  } catch {
    return false
  }
}

function asMissing(error: unknown): InteropError {
  const reason = reasonOf(error)
  return new InteropError(
    'missing',
    reason
      // Where packages come from is this machine's business.
      .replaceAll(/https?:\/\/[^\s:]+/g, 'its registry'),
    {
      cause: error,
    },
  )
}
