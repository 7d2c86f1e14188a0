/** TesseraCT with its POSIX storage, on a key of its own. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { freePorts } from '@sigstack/server/free-ports'
import { answers, type Program, startProgram } from '../program.ts'

export type Tesseract = Program & { readonly url: string; readonly keyFile: string }

export async function startTesseract(options: {
  readonly command: string
  /** Made, and its alone. */
  readonly folder: string
  readonly rootsFile: string
}): Promise<Tesseract> {
  const { command, folder, rootsFile } = options
  await mkdir(folder, { recursive: true })
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const [privateFile, keyFile] = [path.join(folder, 'key.pem'), path.join(folder, 'key.pub.pem')]
  await writeFile(privateFile, privateKey.export({ type: 'sec1', format: 'pem' }), { mode: 0o600 })
  await writeFile(keyFile, publicKey.export({ type: 'spki', format: 'pem' }))
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const program = await startProgram({
    name: 'tesseract',
    command,
    args: [
      `--http_endpoint=127.0.0.1:${port}`,
      '--origin=localhost',
      `--private_key=${privateFile}`,
      `--storage_dir=${path.join(folder, 'log')}`,
      `--roots_pem_file=${rootsFile}`,
      // Promises as soon as an entry is durable, without waiting for a checkpoint.
      '--batch_max_age=10ms',
      '--enable_publication_awaiter=false',
    ],
    logFile: path.join(folder, 'log.log'),
    isReady: () => answers(`${url}/ct/v1/get-roots`),
  })
  return { ...program, url, keyFile }
}
