/** A token of SoftHSM2 in a folder of its own. */
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'

const softHsmModule = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
].find((path) => existsSync(path))

export type SoftHsm = {
  readonly pin: string
  /** Makes a key in this process and imports it; the URI names it, and the file that the PIN is in. */
  importKey(
    label: string,
    kind: 'P-256' | 'P-384' | 'P-521' | 'secp256k1' | 'rsa' | 'ed25519',
    id?: string,
  ): string
  /** Of a key that is not imported. */
  uri(attributes: string): string
  /** An empty token of the same name in its place, with another PIN where one is given. */
  reset(pin?: string): void
}

/** Why a test with a token is skipped; false where it is not. */
export const withoutSoftHsm =
  softHsmModule === undefined && 'SoftHSM2 is not installed; install softhsm2 to test keys in tokens'

const token = 'sigstack test'

/** Undefined where SoftHSM2 is not installed. `SOFTHSM2_CONF` is set for this process and its children. */
export function startSoftHsm(t: Test): SoftHsm | undefined {
  if (softHsmModule === undefined) return undefined
  const folder = t.testdir()
  mkdirSync(join(folder, 'tokens'))
  const configuration = join(folder, 'softhsm2.conf')
  writeFileSync(configuration, `directories.tokendir = ${join(folder, 'tokens')}\nlog.level = ERROR\n`)
  process.env['SOFTHSM2_CONF'] = configuration
  const pin = '17-of-the-token'
  const pinFile = join(folder, 'pin')
  writeFileSync(pinFile, `${pin}\n`, { mode: 0o600 })
  const run = (...args: readonly string[]): void => {
    execFileSync('softhsm2-util', args, { stdio: 'ignore' })
  }
  const initialise = (userPin = pin): void =>
    run('--init-token', '--free', '--label', token, '--pin', userPin, '--so-pin', 'so-of-the-token')
  initialise()

  const uri = (attributes: string): string =>
    `pkcs11:token=${encodeURIComponent(token)};${attributes}?module-path=${softHsmModule}&pin-source=file:${pinFile}`
  let imported = 0
  return {
    pin,
    uri,
    reset(newPin) {
      run('--delete-token', '--token', token)
      initialise(newPin)
    },
    importKey(label, kind, id = (++imported).toString(16).padStart(4, '0')) {
      const { privateKey } =
        kind === 'rsa'
          ? generateKeyPairSync('rsa', { modulusLength: 2048 })
          : kind === 'ed25519'
            ? generateKeyPairSync('ed25519')
            : generateKeyPairSync('ec', { namedCurve: kind })
      const path = join(folder, `${label}.pem`)
      writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }))
      run('--import', path, '--token', token, '--label', label, '--id', id, '--pin', pin)
      return uri(`object=${label}`)
    },
  }
}
