/** What the pages and comments say of the house, against the house. */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'

const root = path.join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')

type Room = { readonly folder: string; readonly name: string; readonly imports: readonly string[] }

const rooms = globSync('{packages,services}/*/package.json', { cwd: root }).map((file): Room => {
  const { dependencies = {} } = JSON.parse(read(file)) as { dependencies?: Record<string, string> }
  const folder = path.dirname(file)
  return { folder, name: path.basename(folder), imports: ours(Object.keys(dependencies)) }
})

function ours(names: readonly string[]): readonly string[] {
  return names.flatMap((name) => (name.startsWith('@sigstack/') ? name.slice('@sigstack/'.length) : []))
}

t.test('every code that tells errors apart has its sentence', async (t) => {
  let count = 0
  for (const file of globSync('{packages,services}/*/src/**/*.ts', { cwd: root })) {
    for (const [, name = '', body = ''] of read(file).matchAll(
      /^export type (\w+ErrorCode|TokenRefusal) =(.*?)\n\n/gms,
    )) {
      const lines = body.split('\n').map((line) => line.trim())
      for (const [at, line] of lines.entries()) {
        const code = /'(\w+)'/.exec(line)?.[1]
        if (code === undefined || line.startsWith('/**')) continue
        count++
        t.match(lines[at - 1], /\*\/$/, `${name}: ${code}`)
      }
    }
  }
  t.ok(count > 100, `${count} codes`)
})

t.test('what was thrown, and JSON from outside, is read in one way', async (t) => {
  const copies = [
    /(\w+) instanceof Error \? \1\.message : String\(\1\)/,
    /as NodeJS\.ErrnoException\)\.code/,
    /typeof (\w+) ([!=])== 'object' (?:&&|\|\|) \1 \2== null (?:&&|\|\|) !?Array\.isArray\(\1\)/,
  ]
  const home = 'packages/crypto/src/unknown.ts'
  for (const { folder } of rooms) {
    const found = globSync(`${folder}/src/**/*.ts`, { cwd: root, exclude: [home] }).flatMap((file) =>
      copies.flatMap((copy) => (copy.exec(read(file)) ?? []).slice(0, 1).map((text) => `${file}: ${text}`)),
    )
    t.same(found, [], `${folder} leaves it to ${home}`)
  }
})

t.test('a README says what its room may import, and the manifest declares no more', async (t) => {
  const names = new Set(rooms.map(({ name }) => name))
  for (const { folder, imports } of rooms) {
    const sentence = /^- May import ([^.]*)/m.exec(read(`${folder}/README.md`))?.[1]
    t.ok(sentence, `${folder} says it`)
    if (sentence === undefined || sentence.includes('every')) continue
    const [own = ''] = sentence.split('; its tests')
    const said = [...own.matchAll(/`([a-z0-9-]+)`/g)].flatMap(([, name = '']) =>
      names.has(name) ? name : [],
    )
    t.same(new Set(said), new Set(imports), folder)
  }
})

t.test('a room is entered by its name, never by a path', async (t) => {
  for (const { folder } of rooms) {
    const leaving = globSync(`${folder}/src/**/*.ts`, { cwd: root }).flatMap((file) =>
      [...read(file).matchAll(/(?:from|import\() ?'(\.[^']+)'/g)]
        .map(([, to = '']) => `${file} imports ${path.join(path.dirname(file), to)}`)
        .filter((sentence) => !sentence.includes(`imports ${folder}/`)),
    )
    t.same(leaving, [], folder)
  }
})

t.test('prose is wrapped, and a wide table is one of figures or of files', async (t) => {
  const pages = globSync('**/*.md', { cwd: root, exclude: (name) => name.includes('node_modules') })
  t.ok(pages.length > 40)
  for (const page of pages.filter((each) => each !== 'THIRD-PARTY.md')) {
    const mayBeWide = ['docs/interop.md', 'docs/faults.md'].includes(page) || page.includes('/vectors/')
    // What a run wrote, and code, have lines of their own.
    const prose = read(page)
      .replaceAll(/^<!-- matrix[\s\S]*?^<!-- end of matrix -->/gm, '')
      .replaceAll(/^ *```[\s\S]*?^ *```/gm, '')
    const wide = prose
      .split('\n')
      .filter((line) => line.length > 110 && !(mayBeWide && line.startsWith('|')))
      // One span of code, link or address is not broken.
      .filter((line) => !/^ *(?:- )?(?:\S+|\(?`[^`]+`\S*)$/.test(line))
    t.same(wide, [], page)
  }
})

t.test('the map of the house has every room, and imports go down in it', async (t) => {
  const [, map = ''] = read('docs/architecture.md').split('```')
  const levels = map
    .split(/^ +-{15,}.*$/m)
    .map((level) => new Set(level.replaceAll(/\([^)]*\)/g, '').match(/[a-z0-9-]+/g)))
  const levelOf = (name: string) => levels.findIndex((level) => level.has(name))
  for (const { name, folder, imports } of rooms) {
    t.not(levelOf(name), -1, `${folder} is in the map`)
    for (const other of imports) {
      // The one exception, which the page tells: a command starts the stack.
      if (name === 'cli' && other === 'stack') continue
      t.ok(levelOf(other) >= levelOf(name), `${name} imports ${other}, which is not above it`)
    }
  }
})
