import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createFile, makeFolder, replaceFile } from '@sigstack/server/files'
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

t.test('a file is made by one only, and never replaced', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'key')
  const made = await Promise.all(['a', 'b', 'c'].map((text) => createFile(path, text, { mode: 0o600 })))
  t.equal(made.filter(Boolean).length, 1)
  t.equal(await createFile(path, 'later'), false)
  t.match(await readFile(path, 'utf8'), /^[abc]$/)
  t.equal((await stat(path)).mode & 0o777, 0o600)
  t.strictSame(await readdir(folder), ['key'])
})

t.test('content may come in parts; when it breaks off the old file stays', async (t) => {
  const folder = t.testdir({ file: 'old' })
  const path = join(folder, 'file')
  async function* parts(isBroken: boolean) {
    yield Buffer.from('in ')
    if (isBroken) throw new Error('no more')
    yield Buffer.from('parts')
  }
  await t.rejects(replaceFile(path, parts(true)), { message: 'no more' })
  t.equal(await readFile(path, 'utf8'), 'old')
  t.strictSame(await readdir(folder), ['file'])
  await replaceFile(path, parts(false))
  t.equal(await readFile(path, 'utf8'), 'in parts')
})

t.test('the file is on disk before it has its name, and the name before the caller is told', async (t) => {
  // What the system is asked for cannot be seen from outside, so the calls are noted.
  const script = `
    import fs from 'node:fs/promises'
    import { syncBuiltinESMExports } from 'node:module'
    const calls = []
    const { open, rename, link } = fs
    fs.open = async (path, ...rest) => {
      const file = await open(path, ...rest)
      const name = path.endsWith('.tmp') ? 'file' : 'folder'
      const sync = file.sync.bind(file)
      file.sync = async () => (calls.push('sync ' + name), sync())
      return file
    }
    fs.rename = async (...paths) => (calls.push('rename'), rename(...paths))
    fs.link = async (...paths) => (calls.push('link'), link(...paths))
    syncBuiltinESMExports()
    const { createFile, replaceFile } = await import(process.argv[1])
    await replaceFile(process.argv[2] + '/a', 'a')
    await createFile(process.argv[2] + '/b', 'b')
    console.log(calls.join())`
  const files = new URL('../src/files.ts', import.meta.url).href
  const args = ['--input-type=module', '-e', script, files, t.testdir()]
  const calls = execFileSync(process.execPath, args, { encoding: 'utf8' })
  t.equal(calls.trim(), 'sync file,rename,sync folder,sync file,link,sync folder')
})

t.test('a folder is made with those above it, and one that cannot be had is an error at once', async (t) => {
  const folder = t.testdir({ file: '' })
  const deep = join(folder, 'a/b/c')
  await makeFolder(deep, { mode: 0o700 })
  await makeFolder(deep)
  t.equal((await stat(deep)).mode & 0o777, 0o700)
  await makeFolder('/')
  await t.rejects(makeFolder(join(folder, 'file')), { code: 'EEXIST' })
  await t.rejects(makeFolder(join(folder, 'file/x')), { code: 'ENOTDIR' })
  if (process.platform === 'linux') {
    await t.rejects(makeFolder('/proc/x'), { code: 'ENOENT' })
    await t.rejects(makeFolder('/proc/x/y/z'), { code: 'ENOENT' })
  }
})
