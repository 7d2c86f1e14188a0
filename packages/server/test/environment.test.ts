import { writeFileSync } from 'node:fs'
import t from 'tap'
import { Type } from 'typebox'
import {
  adviseOnVariables,
  collectComplaints,
  listOf,
  logLevelVariable,
  portVariable,
  readEnvironment,
  SettingsError,
  secret,
  urlVariable,
  variableNames,
} from '../src/index.ts'

const schema = Type.Object({
  LOG_PORT: portVariable({ default: 3000, formerly: ['PORT'] }),
  LOG_MODE: Type.Union([Type.Literal('open'), Type.Literal('closed')], { default: 'open' }),
  LOG_URL: Type.Optional(urlVariable()),
  LOG_NAME: Type.Optional(Type.String({ maxLength: 5 })),
  LOG_SECRET: Type.Optional(secret(Type.String({ minLength: 8 }))),
  LOG_LEVEL: logLevelVariable,
  LOG_KEY: Type.String({ minLength: 1 }),
})
const key = { LOG_KEY: '/key' }

t.test('variables have their type, their default, and one meaning when they are empty', async (t) => {
  t.strictSame(readEnvironment(key, schema), {
    LOG_PORT: 3000,
    LOG_MODE: 'open',
    LOG_LEVEL: 'info',
    LOG_KEY: '/key',
  })
  for (const empty of ['', ' ', '\t', '\r\n']) {
    const all = Object.fromEntries(variableNames(schema).map((name) => [name, empty]))
    t.strictSame(
      readEnvironment({ ...all, ...key }, schema),
      readEnvironment(key, schema),
      JSON.stringify(empty),
    )
  }
  t.throws(() => readEnvironment({ LOG_KEY: '' }, schema), {
    message: 'bad configuration: LOG_KEY is missing',
  })
})

t.test('blanks around a value with a rule do not matter; a path is taken as it is', async (t) => {
  t.match(readEnvironment({ LOG_KEY: ' /k ', LOG_PORT: ' 7 ', LOG_MODE: 'closed\r' }, schema), {
    LOG_KEY: ' /k ',
    LOG_PORT: 7,
    LOG_MODE: 'closed',
  })
  t.same(listOf(' a ,, b,\n'), ['a', 'b'])
})

t.test('complaints are sentences, all at once, without the value of a secret', async (t) => {
  const bad = {
    LOG_PORT: '70000',
    LOG_MODE: 'ajar',
    LOG_URL: 'ftp://x',
    LOG_NAME: 'longer',
    LOG_SECRET: 'hidden',
    LOG_LEVEL: 'loud\u001b[2K',
  }
  const { complaints } = t.throws(() => readEnvironment(bad, schema)) as SettingsError
  t.same(complaints, [
    'LOG_PORT must be a whole number from 0 to 65535, not "70000"',
    'LOG_MODE must be open or closed, not "ajar"',
    'LOG_URL must be an http or https URL without query, not "ftp://x"',
    'LOG_NAME must be a text of 0 to 5 characters, not "longer"',
    'LOG_SECRET must be a text of at least 8 characters',
    'LOG_LEVEL must be fatal, error, warn, info, debug, trace or silent, not "loud\\u001b[2K"',
    'LOG_KEY is missing',
  ])
  for (const port of ['1e3', '0x10', '3.5', '+1', 'Infinity', '99999999999999999999'])
    t.throws(() => readEnvironment({ ...key, LOG_PORT: port }, schema), { message: /LOG_PORT must be/ }, port)
})

t.test('a secret may lie in a file, but not in two places', async (t) => {
  const file = `${t.testdir()}/secret`
  writeFileSync(file, 'in a file\n')
  t.equal(readEnvironment({ ...key, LOG_SECRET_FILE: file }, schema).LOG_SECRET, 'in a file')
  t.throws(() => readEnvironment({ ...key, LOG_SECRET_FILE: file, LOG_SECRET: 'in a variable' }, schema), {
    message: 'bad configuration: LOG_SECRET and LOG_SECRET_FILE are both set; keep one of them',
  })
})

t.test('a former name counts until the new one is set, and is told', async (t) => {
  t.equal(readEnvironment({ ...key, PORT: '1' }, schema).LOG_PORT, 1)
  t.equal(readEnvironment({ ...key, PORT: '1', LOG_PORT: '2' }, schema).LOG_PORT, 2)
  const advise = (environment: Record<string, string>) =>
    adviseOnVariables(environment, { schemas: [schema], prefixes: ['LOG_'] })
  t.same(advise({ PORT: '1' }), ['PORT is called LOG_PORT now; the old name still counts'])
  t.same(advise({ PORT: '1', LOG_PORT: '2' }), [
    'PORT is set beside LOG_PORT, its new name, and does not count',
  ])
  t.same(advise({ PORT: '', LOG_PORT: '2', LOG_SECRET_FILE: '/x' }), [])
})

t.test('a variable that nothing reads is told with the name that was meant', async (t) => {
  const advise = (name: string, elsewhere: string[] = []) =>
    adviseOnVariables({ [name]: 'x' }, { schemas: [schema], prefixes: ['LOG_'], elsewhere })
  t.same(advise('LOG_PROT'), ['LOG_PROT is set, but nothing here reads it; is LOG_PORT meant?'])
  t.same(advise('LOG_SECERT_FILE'), [
    'LOG_SECERT_FILE is set, but nothing here reads it; is LOG_SECRET_FILE meant?',
  ])
  t.same(advise('LOG_SOMETHING_ELSE_ALTOGETHER'), [
    'LOG_SOMETHING_ELSE_ALTOGETHER is set, but nothing here reads it',
  ])
  t.same(advise(`LOG_${'X'.repeat(50_000)}`)[0]?.length, 135, 'whatever its length')
  t.same(advise('LOGNAME'), [], 'not ours')
  t.same(advise('LOG_THEIRS', ['LOG_THEIRS']), [])
  const renamed = Type.Object({ LOG_TRUSTED: Type.Optional(Type.String({ formerly: ['LOG_TRUST'] })) })
  t.same(adviseOnVariables({ LOG_TRUS: 'x' }, { schemas: [renamed], prefixes: ['LOG_'] }), [
    'LOG_TRUS is set, but nothing here reads it',
  ])
  t.same(advise('LOG_SERVICE_HOST'), [], 'of Kubernetes, for a service that is called so')
  t.same(advise('LOG_PORT_3000_TCP_ADDR'), [])
})

t.test('what several readers complain of is told once and together', async (t) => {
  const { attempt, throwAny } = collectComplaints()
  t.equal(
    attempt(() => 1),
    1,
  )
  t.equal(
    attempt(() => readEnvironment({ LOG_PORT: 'x' }, schema)),
    undefined,
  )
  attempt(() => {
    throw new Error('the file is missing')
  })
  attempt(() => {
    throw new SettingsError(['LOG_KEY is missing'])
  })
  t.throws(throwAny, {
    message:
      'bad configuration: LOG_PORT must be a whole number from 0 to 65535, not "x"; LOG_KEY is missing; the file is missing',
  })
})
