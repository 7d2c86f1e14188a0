import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** In the files `tls.crt` and `tls.key` of a folder; for 127.0.0.1. */
export function makeCertificate(folder: string, name: string): { certificatePath: string; keyPath: string } {
  const keyPath = join(folder, 'tls.key')
  const certificatePath = join(folder, 'tls.crt')
  const words = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=${name}`
  execFileSync(
    'openssl',
    [
      ...words.split(' '),
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      '-keyout',
      keyPath,
      '-out',
      certificatePath,
    ],
    { stdio: 'pipe' },
  )
  return { certificatePath, keyPath }
}
