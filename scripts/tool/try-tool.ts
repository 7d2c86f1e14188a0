/** A tool that was built, used where nothing of this repository is around it and nobody can be asked. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** Nobody listens on the port of discarded words, and every program that is asked for a proxy finds this one. */
const nowhere = 'http://127.0.0.1:9'
/** Nobody listens there either, and it is no port that is refused unasked. */
const silent = 'http://127.0.0.1:2/root.json'

/** Installs the package without a registry, and tries it. Answers as {@link tryTool}. */
export function tryPackage(tarball: string, version: string): number {
  return inFolder((folder) => {
    const words = ['install', '--global', '--prefix', folder, '--offline', '--registry', nowhere]
    const npm = ['--cache', path.join(folder, 'cache'), '--no-audit', '--no-fund', '--loglevel=error']
    run(folder, 'npm', [...words, ...npm, tarball])
    return tryTool([path.join(folder, 'bin/sigstack')], version)
  })
}

/** Throws with what it said where it does not work. The milliseconds of the quickest of five starts. */
export function tryTool([command = '', ...words]: readonly string[], version: string): number {
  return inFolder((folder) => {
    const tool = (...args: readonly string[]): string => run(folder, command, [...words, ...args])
    const times = Array.from({ length: 5 }, () => {
      const began = performance.now()
      const told = tool('--version').trim()
      if (told !== version) throw new Error(`the tool says that it is ${told}`)
      return performance.now() - began
    })
    writeFileSync(path.join(folder, 'hello.txt'), 'hello\n')
    const bundle = ['--bundle', 'hello.json', 'hello.txt']
    tool('generate-key-pair')
    tool('sign-blob', '--key', 'cosign.key', '--tlog-upload=false', ...bundle)
    tool('verify-blob', '--key', 'cosign.pub', '--insecure-ignore-tlog', ...bundle)
    // What asks others comes along too: it gets as far as that nobody answers.
    const asked = asking(() =>
      tool('verify-blob', '--key', 'cosign.pub', '--trusted-root', silent, ...bundle),
    )
    if (!/does not answer.*ECONNREFUSED/.test(asked))
      throw new Error(`the tool does not ask others: ${asked}`)
    return Math.min(...times)
  })
}

function asking(work: () => string): string {
  try {
    return work()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function inFolder<Result>(work: (folder: string) => Result): Result {
  const folder = mkdtempSync(path.join(tmpdir(), 'sigstack-tool-'))
  try {
    return work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function run(folder: string, command: string, args: readonly string[]): string {
  const proxies = { HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere, NO_PROXY: '' }
  const { PATH = '', SystemRoot = '' } = process.env
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH, SystemRoot, HOME: folder, COSIGN_PASSWORD: '', ...proxies },
  })
  if (status === 0) return stdout
  throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `status ${status}`}\n${stderr}`)
}
