import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The CA of a company, played by OpenSSL: signs requests, and gives the chain. */
export function companyCa(folder: string) {
  const at = (name: string) => join(folder, name)
  const openssl = (...words: string[]) => execFileSync('openssl', words, { stdio: 'pipe', cwd: folder })
  mkdirSync(folder)
  openssl(
    ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -days 3650 -subj'.split(' '),
    '/O=Company/CN=Company root',
    ...'-addext keyUsage=critical,keyCertSign,cRLSign -keyout root.key -out root.pem'.split(' '),
  )
  return (request: string, extensions?: string): string => {
    writeFileSync(at('request.pem'), request)
    writeFileSync(at('extensions'), extensions ?? '')
    const more = extensions === undefined ? ['-copy_extensions', 'copyall'] : ['-extfile', 'extensions']
    openssl(
      ...'x509 -req -in request.pem -CA root.pem -CAkey root.key -CAcreateserial -days 1000 -out out.pem'.split(
        ' ',
      ),
      ...more,
    )
    return readFileSync(at('out.pem'), 'utf8') + readFileSync(at('root.pem'), 'utf8')
  }
}
