/** The tool as a whole: what every command has in common. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import t from 'tap'
import { leftOut } from '../src/commands/left-out.ts'
import { runCommand } from './support.ts'

// Many processes are started here.
t.setTimeout(600_000)

const program = fileURLToPath(new URL('../src/main.ts', import.meta.url))

/** Every command, by what its help lists. */
async function helpOfAll(path: readonly string[] = []): Promise<Map<string, string>> {
  const { out } = await runCommand([...path, '--help'])
  const found = new Map([[path.join(' '), out]])
  const [, listed = ''] = out.split('\nCommands:\n')
  for (const [, name = ''] of listed.matchAll(/^ {2}([a-z][a-z-]*)/gm))
    if (name !== 'help') for (const entry of await helpOfAll([...path, name])) found.set(...entry)
  return found
}

t.test('help fits 80 columns, and describes each command in sentences', async (t) => {
  const pages = await helpOfAll()
  t.ok(pages.size > 25, `${pages.size} commands`)
  for (const [name, page] of pages) {
    const wide = page.split('\n').find((line) => line.length > 80)
    t.equal(wide, undefined, `sigstack ${name}`)
    const [, description = ''] = page.split('\n\n')
    t.match(description, /^[A-Z][^]*(?:\.|bash\))$/, `sigstack ${name}: a sentence`)
    const [, listed = ''] = page.split('\nCommands:\n')
    t.notMatch(listed, /\.$/m, `sigstack ${name}: lists no sentences`)
  }
})

t.test('alone, the program and commands with others below them show their help', async (t) => {
  const doesSomething = ['token', 'pack']
  const groups = [...(await helpOfAll())].filter(
    ([name, page]) => page.includes('\nCommands:\n') && !doesSomething.includes(name),
  )
  t.ok(groups.length > 5, `${groups.length} groups`)
  for (const [name, out] of groups)
    t.same(await runCommand(name.split(' ').filter(Boolean)), { status: 0, out, err: '' }, name)
  const token = await runCommand(['token'], { SIGSTACK_DATA: t.testdir() })
  t.match(token, { status: 1, out: '' })
})

t.test('a command that a build goes without says where it is to be had, whatever it is given', async (t) => {
  const program = new Command('sigstack').exitOverride()
  leftOut('up', 'start the stack', 'it has no servers', 'Ask the repository.')(program)
  await t.rejects(program.parseAsync(['up', 'now', '--data', 'x'], { from: 'user' }), {
    code: 'left_out',
    message: 'this build has no command up: it has no servers',
    advice: 'Ask the repository.',
  })
  t.match(program.commands[0]?.description(), 'Not part of this build: it has no servers.')
})

t.test('what does not need a server loads none', async (t) => {
  const folder = t.testdir()
  const servers = /node_modules\/(?:\.pnpm\/)?(?:fastify|oidc-provider|pino|undici)[@/]/
  const heavy =
    /node_modules\/(?:\.pnpm\/)?(?:fastify|oidc-provider|pg|openpgp|pino|undici|@noble\+curves|@sigstore\+sign)[@/]|packages\/oci\/src\/(?!errors)/
  for (const words of [
    // Its commands work on the database itself.
    ['log', '--help'],
    ['--help'],
    ['--version'],
    ['version'],
    ['verify-blob', 'a', '--bundle', '/nowhere'],
    ['ca', '--help'],
    ['ca', 'csr', '--ca-data', `${folder}/ca`],
    ['ca', 'chains', '--data', `${folder}/data`],
  ]) {
    const { stdout } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(listLoaded)}`, program, ...words],
      { encoding: 'utf8' },
    )
    const loaded = stdout.split('\n').filter((line) => line.startsWith('loaded '))
    t.ok(loaded.length > 5, words.join(' '))
    t.same(
      loaded.filter((line) => (words[0] === 'log' ? servers : heavy).test(line)),
      [],
      words.join(' '),
    )
  }
})

/** Each module that is loaded, as a line on standard output. */
const listLoaded = `
import { registerHooks } from 'node:module'
import { writeSync } from 'node:fs'
registerHooks({
  load(url, context, next) {
    writeSync(1, 'loaded ' + url + '\\n')
    return next(url, context)
  },
})`

t.test('errors of usage are JSON where JSON is asked for, of every command', async (t) => {
  for (const words of [
    ['nosuch'],
    ['verify-blob'],
    ['verify-blob', 'a', '--nosuch'],
    ['trust', 'fetch', 'nosuch'],
    ['up', '--nosuch'],
    ['completion'],
    ['log', 'audit', '--search', 'nosuch'],
  ]) {
    const { status, out, err } = await runCommand([...words, '--json'])
    t.not(status, 0, words.join(' '))
    t.match(JSON.parse(out), { error: { code: 'bad_usage', message: /^[^]+$/ } }, words.join(' '))
    t.match(err, /^Error: /, words.join(' '))
  }
})

t.test('the version is that of the release', async (t) => {
  const manifest = new URL('../../../package.json', import.meta.url)
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  t.equal((await runCommand(['--version'])).out, `${version}\n`)
  t.match((await runCommand(['version'])).out, `sigstack ${version}, Node `)
  t.match(JSON.parse((await runCommand(['version', '--json'])).out), { sigstack: version })
})

t.test('the manual has a page for every command, with what its help says', async (t) => {
  const folder = t.testdir()
  t.equal((await runCommand(['man', '--folder', folder])).status, 0)
  const pages = await helpOfAll()
  const wordsOf = (name: string): readonly string[] => name.split(' ').filter((word) => word !== '')
  const files = [...pages.keys()].map((name) => `${['sigstack', ...wordsOf(name)].join('-')}.1`)
  t.same(new Set(readdirSync(folder)), new Set(files))
  for (const [name, help] of pages) {
    const { out } = await runCommand(['man', ...wordsOf(name)])
    const [, listed = ''] = help.split('\nOptions:\n')
    for (const [option] of listed.matchAll(/^ {2,6}(?:-\w, )?--[a-z-]+/gm))
      t.ok(out.includes(option.trim().replaceAll('-', '\\-')), `${name} ${option}`)
    t.match(out, /^[\n -~]*$/, name)
    // No line of ours is taken for a request of another kind.
    t.same(out.match(/^[.'](?!TH |SH |TP$|B |nh$|hy$).*$/gm), null, name)
  }
  t.equal((await runCommand(['man', 'nosuch'])).status, 1)
})

t.test('shells complete commands and options', async (t) => {
  const { out } = await runCommand(['completion', 'bash'])
  const complete = (...words: readonly string[]) => {
    const script = `${out}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sigstack; echo "\${COMPREPLY[@]}"`
    return spawnSync('bash', ['-c', script, 'bash', 'sigstack', ...words], { encoding: 'utf8' }).stdout.trim()
  }
  t.equal(complete('sign-'), 'sign-blob')
  t.equal(complete('log', 'aud'), 'audit')
  t.equal(complete('verify-blob', '--trusted'), '--trusted-root')
  t.equal(complete('trust', 'export', '--ou'), '--out')
  for (const shell of ['zsh', 'fish']) t.match((await runCommand(['completion', shell])).out, /verify-blob/)
  const zsh = `compdef() { : }; compadd() { shift; print -l -- "$@" }; _files() { : }
${(await runCommand(['completion', 'zsh'])).out}
words=(sigstack log aud); CURRENT=3; _sigstack`
  const fish = `${(await runCommand(['completion', 'fish'])).out}\ncomplete -C 'sigstack log aud'`
  for (const [shell, script] of [
    ['zsh', ['-fc', zsh]],
    ['fish', ['--no-config', '-c', fish]],
  ] as const) {
    const { stdout, error } = spawnSync(shell, script, { encoding: 'utf8' })
    if (error !== undefined) t.comment(`${shell} is not installed`)
    else t.match(stdout, /^audit$/m, shell)
  }
  t.equal((await runCommand(['completion', 'cmd'])).status, 1)
})
