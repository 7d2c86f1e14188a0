/** The witness of torchwood (C2SP tlog-witness), with a key of its own in an ssh-agent of its own. It knows logs with Ed25519 keys alone. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { freePorts } from '@sigstack/server/free-ports'
import { answers, startProgram } from '../program.ts'
import type { Run } from '../run-command.ts'

export type Litewitness = {
  readonly url: string
  /** Of its cosignatures, as policies name it. */
  readonly vkey: string
  /** From now on it knows the log. */
  readonly introduce: (origin: string, logVkey: string) => Promise<void>
  /** What it has cosigned of the log: size and root, as its page tells them. */
  readonly seen: (origin: string) => Promise<{ readonly size: bigint; readonly root: string } | undefined>
  stop(): Promise<void>
}

export async function startLitewitness(options: {
  readonly command: string
  /** The tool that tells it of logs. */
  readonly witnessctl: string
  readonly name: string
  /** Made, and its alone. */
  readonly folder: string
  readonly run: Run
}): Promise<Litewitness> {
  const { command, witnessctl, name, folder, run } = options
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const [socket, key, database] = ['agent', 'key', 'witness.db'].map((each) => path.join(folder, each)) as [
    string,
    string,
    string,
  ]
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', key])
  const keys = (...words: readonly string[]) =>
    run('ssh-add', words, { environment: { SSH_AUTH_SOCK: socket } })
  const agent = await startProgram({
    name: 'ssh-agent',
    command: 'ssh-agent',
    args: ['-D', '-a', socket],
    logFile: path.join(folder, 'agent.log'),
    isReady: async () => (await keys('-q', key)) !== undefined,
  })
  const [, fingerprint = ''] = (await run('ssh-keygen', ['-l', '-f', `${key}.pub`])).stdout.split(' ')
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const witness = await startProgram({
    name: 'litewitness',
    command,
    args: [
      '-name',
      name,
      '-db',
      database,
      '-ssh-agent',
      socket,
      '-key',
      fingerprint,
      '-listen',
      `127.0.0.1:${port}`,
    ],
    logFile: path.join(folder, 'witness.log'),
    isReady: () => answers(`${url}/`),
  }).catch(async (error: unknown) => {
    await agent.stop()
    throw error
  })
  const page = async () => (await (await fetch(`${url}/`)).text()).replaceAll('&#43;', '+')
  const [vkey] = /\S+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+/.exec(await page()) ?? []
  if (vkey === undefined) throw new Error('the page of litewitness names no key')
  return {
    url,
    vkey,
    introduce: async (origin, logVkey) => {
      await run(witnessctl, ['add-log', '-db', database, '-origin', origin])
      await run(witnessctl, ['add-key', '-db', database, '-origin', origin, '-key', logVkey])
    },
    seen: async (origin) => {
      const [, told = ''] = (await page()).split(`- ${origin}\n`)
      const [, size, root] = /^ *\(size (\d+), root ([A-Za-z0-9+/=]+)\)/.exec(told) ?? []
      return size === undefined || root === undefined ? undefined : { size: BigInt(size), root }
    },
    stop: async () => {
      await witness.stop()
      await agent.stop()
    },
  }
}
