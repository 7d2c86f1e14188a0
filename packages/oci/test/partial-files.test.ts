import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { createArchive, createLayout } from '../src/index.ts'
import { partialName } from '../src/partial-files.ts'

/** What a process that ended in the middle has left. */
function leftBehind(folder: string, stem: string): string {
  const module = new URL('../src/partial-files.ts', import.meta.url).href
  const program = `import { partialName } from ${JSON.stringify(module)}; process.stdout.write(partialName(${JSON.stringify(stem)}))`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
  })
  const file = path.join(folder, stdout)
  writeFileSync(file, 'half')
  return file
}

t.test('what a run that was killed has left is removed by the next, and nothing else', async (t) => {
  const folder = t.testdir()
  const own = path.join(folder, partialName(''))
  const another = own.replace(/partial-[0-9a-f]{12}/, 'partial-of-another-m')
  for (const file of [own, another]) writeFileSync(file, 'half')
  const left = leftBehind(folder, '')
  await createLayout(folder)
  t.notOk(existsSync(left))
  t.ok(existsSync(own), 'a process that lives may still write it')
  t.ok(existsSync(another), 'whether that one lives cannot be known')
})

t.test('of a packed file, too', async (t) => {
  const folder = t.testdir()
  const [left, beside] = [leftBehind(folder, 'a.tar'), leftBehind(folder, 'b.tar')]
  const archive = await createArchive(path.join(folder, 'a.tar'))
  t.notOk(existsSync(left))
  t.ok(existsSync(beside), 'another file is not ours')
  await archive.finish([])
  t.same(readdirSync(folder).toSorted(), ['a.tar', path.basename(beside)].toSorted())
  t.ok(readFileSync(path.join(folder, 'a.tar')).includes('oci-layout'))
})
