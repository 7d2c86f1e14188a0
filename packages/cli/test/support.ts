/** The command line as a program runs it. */
import '@sigstack/signers/few-rounds'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { programOf } from '@sigstack/server/program'
import { openSealedKey, scryptCosts, sealPrivateKey } from '@sigstack/signing/keys'
import { runCli } from '../src/program.ts'

/** What a command prints, and its exit status. */
export async function runCommand(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  input = Buffer.alloc(0),
): Promise<{ readonly status: number; readonly out: string; readonly err: string }> {
  let out = ''
  let err = ''
  const status = await runCli(words, {
    environment,
    self: ['sigstack'],
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    file: (content) => {
      out += Buffer.from(content).toString()
    },
    standardInput: () => Readable.from([input]),
  })
  return { status, out, err }
}

/** What a process runs. */
export const program = programOf(new URL('../src/main.ts', import.meta.url))

/** The same in a process of its own, with nothing but `environment` around it. */
export async function runProgram(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly status: number | null; readonly out: string; readonly err: string }> {
  // What is compiled already is no setting.
  const { NODE_COMPILE_CACHE } = process.env
  const env = { ...environment, ...(NODE_COMPILE_CACHE !== undefined && { NODE_COMPILE_CACHE }) }
  const child = spawn(process.execPath, [...program, ...words], { env, stdio: 'pipe' })
  const [out, err, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return { status: status as number | null, out, err }
}

const vectorPassword = 'secret'
const quickCost = 1024

/**
 * The file of a private key of the vectors, sealed anew under the same password so that it opens at once in this process: its own costs a
 * fifth of a second of the processor each time.
 */
export async function quickKey(
  t: { teardown(action: () => unknown): unknown },
  name: string,
): Promise<string> {
  const pem = readFileSync(new URL(`../../signing/test/vectors/keys/${name}`, import.meta.url), 'utf8')
  scryptCosts.add(quickCost)
  const folder = mkdtempSync(path.join(tmpdir(), 'sigstack-key-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = path.join(folder, name)
  const key = await openSealedKey(pem, vectorPassword)
  writeFileSync(file, await sealPrivateKey(key, vectorPassword, quickCost), { mode: 0o600 })
  return file
}

/** Every variable that anybody reads proxies from. */
export function proxyEnvironment(proxy: string): Record<string, string> {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'PROXY'].flatMap((name) => [
    name,
    name.toLowerCase(),
  ])
  return { ...Object.fromEntries(names.map((name) => [name, proxy])), NODE_USE_ENV_PROXY: '1' }
}
