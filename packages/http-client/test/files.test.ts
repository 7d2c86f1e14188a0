/** Files, and what else a path may name. */
import { execFileSync, spawnSync } from 'node:child_process'
import { createWriteStream, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import t from 'tap'
import { fileReason, readFileBounded, streamFile } from '../src/files.ts'

function makePipe(folder: string): string {
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  return path
}

t.test('a file is read up to its bound', async (t) => {
  const folder = t.testdir({ file: 'twelve bytes' })
  const file = join(folder, 'file')
  symlinkSync(file, join(folder, 'link'))
  for (const path of [file, join(folder, 'link')])
    t.equal((await readFileBounded(path, 12, { isRegular: true })).toString(), 'twelve bytes')
  await t.rejects(readFileBounded(file, 11), {
    name: 'FileError',
    code: 'too_large',
    message: 'it is larger than 11 bytes',
  })
  const parts = await Readable.from(streamFile(file, { partBytes: 5 })).toArray()
  t.same(parts.map(String), ['twelv', 'e byt', 'es'])
})

t.test('what cannot be read is told by the code of the system', async (t) => {
  const folder = t.testdir()
  const reasonFor = async (path: string): Promise<string> =>
    readFileBounded(path, 10, { isRegular: true }).then(String, fileReason)
  t.equal(await reasonFor(join(folder, 'missing')), 'ENOENT')
  t.equal(await reasonFor(folder), 'EISDIR')
  t.equal(fileReason(new Error('odd')), 'unknown reason')
})

t.test('a device without an end is read up to the bound, or not at all', async (t) => {
  await t.rejects(readFileBounded('/dev/zero', 1000), { code: 'too_large' })
  t.same(await readFileBounded('/dev/null', 0), Buffer.alloc(0))
  await t.rejects(readFileBounded('/dev/zero', 1000, { isRegular: true }), { code: 'not_regular' })
})

t.test('a pipe is read as it is written, but not where a file is expected', async (t) => {
  const pipe = makePipe(t.testdir())
  await t.rejects(readFileBounded(pipe, 10, { isRegular: true }), {
    code: 'not_regular',
    message: 'it is no regular file',
  })
  const write = (text: string): Promise<void> =>
    pipeline(Readable.from([Buffer.from(text)]), createWriteStream(pipe))
  const [whole] = await Promise.all([readFileBounded(pipe, 10), write('words')])
  t.equal(whole.toString(), 'words')
  const [refused] = await Promise.allSettled([readFileBounded(pipe, 4), write('words')])
  t.match(refused, { reason: { code: 'too_large' } })
})

t.test('a process that waits for a pipe may end', async (t) => {
  const pipe = makePipe(t.testdir())
  const script = `
    import { streamFile } from ${JSON.stringify(new URL('../src/files.ts', import.meta.url).href)}
    streamFile(${JSON.stringify(pipe)}).next()
    setImmediate(() => process.exit(7))`
  const { status } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    timeout: 60_000,
  })
  t.equal(status, 7)
})
