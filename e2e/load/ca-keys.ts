/** Keys of another curve for the CA of a stack that was never started: it takes those that it finds. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'

export type CaCurve = 'P-256' | 'P-384'

export async function makeCaKeys(dataDirectory: string, namedCurve: CaCurve): Promise<void> {
  const passphrase = randomBytes(32).toString('base64url')
  const write = async (file: string, text: string): Promise<void> => {
    await mkdir(path.dirname(path.join(dataDirectory, file)), { recursive: true, mode: 0o700 })
    await writeFile(path.join(dataDirectory, file), text, { mode: 0o600 })
  }
  await write('keys/password', passphrase)
  for (const name of ['root', 'intermediate']) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve })
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
    await write(`ca/${name}.key.pem`, pem.toString())
  }
}
