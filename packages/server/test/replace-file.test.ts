import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '@sigstack/server'
import t from 'tap'

t.test('a file is made, and replaced whole', async (t) => {
  const path = join(t.testdir(), 'state')
  await replaceFile(path, 'first\n')
  t.equal(await readFile(path, 'utf8'), 'first\n')
  await replaceFile(path, 'second\n')
  t.equal(await readFile(path, 'utf8'), 'second\n')
  t.equal((await stat(path)).mode & 0o777, 0o644)
})

t.test('a failure leaves the old state and no litter', async (t) => {
  const folder = t.testdir()
  // A file cannot take the place of a folder that is not empty.
  const path = join(folder, 'state')
  await mkdir(path)
  await writeFile(join(path, 'inside'), '')
  await t.rejects(replaceFile(path, 'text'), { code: /EISDIR|ENOTEMPTY|EEXIST/ })
  t.strictSame(await readdir(folder), ['state'])
})
