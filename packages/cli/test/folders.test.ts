/** Which folder and which password a command takes. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ceremonyFolder } from '../src/commands/ca-folder.ts'
import { dataFolder } from '../src/endpoints.ts'
import type { Io } from '../src/io.ts'

const unused = (): never => {
  throw new Error('nothing is said or read here')
}

const ioWith = (environment: Readonly<Record<string, string>>): Io => ({
  environment,
  self: ['sigstack'],
  out: unused,
  file: unused,
  err: unused,
  standardInput: unused,
})

t.test('the data folder is that of the option, else of a variable that is not empty', async (t) => {
  for (const [variables, option, folder] of [
    [{}, undefined, './.sigstack'],
    [{ SIGSTACK_DATA: '/data' }, undefined, '/data'],
    [{ SIGSTACK_DATA: '/data' }, '/other', '/other'],
    [{ SIGSTACK_DATA: '' }, undefined, './.sigstack'],
    [{ SIGSTACK_DATA: ' ' }, undefined, './.sigstack'],
  ] as const)
    t.equal(dataFolder(ioWith(variables), option), folder, JSON.stringify([variables, option]))
})

t.test("the password of a CA's keys is CA_KEY_PASSWORD, in the folder of a stack too", async (t) => {
  const data = t.testdir({})
  const file = join(t.testdirName, 'secret.txt')
  writeFileSync(file, 'of a file\n')
  const inStack = (variables: Readonly<Record<string, string>>) => ceremonyFolder(ioWith(variables), { data })
  t.same(await inStack({ CA_KEY_PASSWORD: 'given' }), { folder: join(data, 'ca'), password: 'given' })
  t.same(await inStack({ CA_KEY_PASSWORD_FILE: file }), { folder: join(data, 'ca'), password: 'of a file' })
  const { password } = await inStack({ CA_KEY_PASSWORD: '' })
  t.equal(password, readFileSync(join(data, 'keys/password'), 'utf8').trim(), "else that of the stack's keys")
  t.same(await ceremonyFolder(ioWith({ CA_DATA: '/ca', CA_KEY_PASSWORD: 'given' }), {}), {
    folder: '/ca',
    password: 'given',
  })
  t.same(await ceremonyFolder(ioWith({ CA_DATA: '', SIGSTACK_DATA: data, CA_KEY_PASSWORD: 'x' }), {}), {
    folder: join(data, 'ca'),
    password: 'x',
  })
})
