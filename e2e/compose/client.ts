/** Users of the containers: on the host, through the published ports, with the `sigstack` command and with sigstore-js. */
import { existsSync } from 'node:fs'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Endpoints } from '@sigstack/cli'
import { verify as verifyBySigstoreJs } from 'sigstore'
import { lastLine, runCommand } from './engine.ts'
import { root } from './project.ts'

const email = 'compose-test@example.org'

export type Client = {
  /** Makes a file of this name, signs it and keeps its bundle. */
  sign(name: string): Promise<void>
  /** Throws unless the file verifies against the trust that is published now. */
  verify(name: string): Promise<void>
  /** Throws unless a file of other content, and another identity, are refused. */
  verifyRefuses(name: string): Promise<void>
  /**
   * Verifies with sigstore-js, which has its trust from the TUF repository alone. It keeps the root that it began with and what it saw
   * last, so it refuses a repository that was begun anew.
   */
  verifyByMirror(name: string): Promise<void>
}

export async function createClient(endpoints: Endpoints, folder: string, logFile: string): Promise<Client> {
  await writeFile(path.join(folder, 'endpoints.json'), JSON.stringify(endpoints))
  const file = (name: string): string => path.join(folder, name)
  const sigstack = (...args: readonly string[]) =>
    runCommand(
      process.execPath,
      [path.join(root, 'packages/cli/src/main.ts'), ...args, '--data', folder],
      args[0] === 'token' ? {} : { logFile },
    )
  const verification = (name: string, bundleOf: string, identity: string) =>
    sigstack(
      'verify-blob',
      file(name),
      `--bundle=${file(bundleOf)}.sigstore.json`,
      `--certificate-identity=${identity}`,
      `--certificate-oidc-issuer=${endpoints.issuer}`,
    )

  return {
    async sign(name) {
      const token = await sigstack('token', '--email', email)
      if (token.status !== 0) throw new Error(`no token: ${lastLine(token.output)}`)
      await writeFile(file('token'), token.output)
      await writeFile(file(name), `${name}, signed through containers\n`)
      const { status, output } = await sigstack('sign-blob', file(name), '--identity-token', file('token'))
      if (status !== 0) throw new Error(`signing failed: ${output.trim()}`)
    },
    async verify(name) {
      const { status, output } = await verification(name, name, email)
      if (status !== 0 || !output.includes('Verified OK'))
        throw new Error(`verification failed: ${output.trim()}`)
    },
    async verifyRefuses(name) {
      await copyFile(file(name), file('altered'))
      await writeFile(file('altered'), 'one line more\n', { flag: 'a' })
      if ((await verification('altered', name, email)).status === 0)
        throw new Error('an altered file was verified')
      if ((await verification(name, name, 'mallory@example.org')).status === 0)
        throw new Error('the signature of somebody else was verified')
    },
    async verifyByMirror(name) {
      const mirror = `${endpoints.services['trust']}/tuf`
      const root = file('root.json')
      if (!existsSync(root)) await writeFile(root, await (await fetch(`${mirror}/root.json`)).text())
      const bundle = JSON.parse(await readFile(`${file(name)}.sigstore.json`, 'utf8'))
      await verifyBySigstoreJs(bundle, await readFile(file(name)), {
        tufMirrorURL: mirror,
        tufRootPath: root,
        tufCachePath: file('tuf-cache'),
        certificateIssuer: endpoints.issuer,
        certificateIdentityEmail: email,
      })
    },
  }
}
