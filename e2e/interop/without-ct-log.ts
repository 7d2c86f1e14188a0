/**
 * What clients make of a stack without CT log (`npm run interop -- --without-ct-log`): as they are, and with the switch that each of
 * them has for it. A client that does otherwise than written here fails the run.
 */
import { attempt, type MatrixOptions, newJob, type Outcome, openSession } from './matrix.ts'
import type { Run } from './run-command.ts'

type Switch = {
  /** For people. */
  readonly name: string
  readonly apply: (args: readonly string[]) => readonly string[]
}

type Behaviour = {
  /** `true`: it does so as it is. Undefined: it never does. */
  readonly signs?: true | Switch
  readonly verifies?: Switch
}

const flag = (name: string, ...after: readonly string[]): Switch => ({
  name,
  apply: (args) =>
    after.some((word) => args.includes(word)) ? [...args.slice(0, -1), name, ...args.slice(-1)] : args,
})

const ignoreSct = flag('--insecure-ignore-sct', 'verify-blob')

const behaviours: Readonly<Record<string, Behaviour>> = {
  'sigstore-js': {
    signs: true,
    verifies: {
      name: 'ctlogThreshold: 0',
      apply: ([program = '', command = '', job = '{}']) => [
        program,
        command,
        JSON.stringify({ ...(JSON.parse(job) as object), ctlogThreshold: '0' }),
      ],
    },
  },
  'cosign-v3': { signs: true, verifies: ignoreSct },
  'cosign-v2': { signs: flag('--insecure-skip-verify', 'sign-blob'), verifies: ignoreSct },
  'sigstore-go': { signs: true, verifies: flag('-requireCTlog=false', '-trustedrootJSONpath') },
  // It wants the embedded SCT in the answer of the CA, and keys of CT logs in the trusted root.
  'sigstore-python': {},
  sigstack: { signs: true, verifies: ignoreSct },
}

type Tried = { readonly what: string; readonly isRight: boolean; readonly outcome: Outcome }

/** Tells what was tried, line by line; true when all of it was as expected. */
export async function runWithoutCtLog(
  options: Omit<MatrixOptions, 'foreignTrust'>,
  say: (line: string) => void,
): Promise<boolean> {
  const tried: Tried[] = []
  const note = (what: string, isWanted: boolean, outcome: Outcome): void => {
    const isRight = (outcome.result === 'passed') === isWanted
    tried.push({ what, isRight, outcome })
    const reason = outcome.result === 'failed' ? `: ${outcome.reason}` : ''
    say(
      `${isRight ? 'ok   ' : 'WRONG'} ${what} ${outcome.result === 'passed' ? 'works' : 'is refused'}${reason}`,
    )
  }
  const clients = await Promise.all(
    options.clients
      .filter(({ client }) => Object.hasOwn(behaviours, client.name))
      .map(async ({ client, installed }) => ({
        name: client.name,
        behaviour: behaviours[client.name] ?? {},
        session: await openSession(options, client),
        signers: installed.signers.filter(({ kind }) => kind === 'bundle'),
        verifiers: installed.verifiers.filter(({ kinds }) => kinds.includes('bundle')),
      })),
  )

  const signed = []
  for (const { name, behaviour, session, signers } of clients) {
    for (const { way, sign } of signers) {
      const who = way === undefined ? name : `${name} (${way})`
      const job = await newJob(options, who)
      const { signs } = behaviour
      const plain = await attempt(() => sign(session, job))
      note(`${who}: signing`, signs === true, plain)
      if (typeof signs === 'object') {
        const switched = { ...session, run: withSwitch(session.run, signs) }
        note(`${who}: signing with ${signs.name}`, true, await attempt(() => sign(switched, job)))
      }
      if (signs !== undefined) signed.push({ who, job })
    }
  }
  for (const { name, behaviour, session, verifiers } of clients) {
    for (const { verify } of verifiers) {
      for (const { who, job } of signed) {
        const plain = await attempt(() => verify(session, job))
        note(`${name}: verifying what ${who} signed`, false, plain)
        const { verifies } = behaviour
        if (verifies === undefined) continue
        const switched = { ...session, run: withSwitch(session.run, verifies) }
        const outcome = await attempt(() => verify(switched, job))
        note(`${name}: verifying what ${who} signed with ${verifies.name}`, true, outcome)
      }
    }
  }
  const wrong = tried.filter(({ isRight }) => !isRight).length
  say(`\n${tried.length - wrong} as expected, ${wrong} otherwise`)
  return tried.length > 0 && wrong === 0
}

function withSwitch(run: Run, { apply }: Switch): Run {
  return (command, args, more) => run(command, apply(args), more)
}
