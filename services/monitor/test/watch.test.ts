/** Watches as they are written down: each refusal names the member that is wrong, and says what it must be. */
import t from 'tap'
import { parseWatch } from '../src/watching/watch.ts'

const watch = { name: 'app', repository: { exact: 'https://github.com/example/app' } }
const hours = { timeZone: 'Europe/Berlin', days: [1, 2], from: '08:00', to: '18:00' }
const ofHours = { ...watch, alarmOn: ['outside-hours'] }

const refusals: Readonly<Record<string, readonly [value: unknown, reason: string]>> = {
  'a list': [[], 'a watch must be an object with a name and whom it looks for'],
  'an unknown member': [
    { ...watch, 'co\u202elour': 'red' },
    'a watch has no member "co\\u202elour"; it may have name, logs, subject, issuer, repository, key, alarmOn, hours, paused',
  ],
  'no name': [{ key: 'a'.repeat(64) }, 'name must be a text of 1 to 100 printable characters'],
  'an empty name': [{ ...watch, name: '' }, 'name must be a text of 1 to 100 printable characters'],
  'a long name': [
    { ...watch, name: 'a'.repeat(101) },
    'name must be a text of 1 to 100 printable characters',
  ],
  'a name of two lines': [{ ...watch, name: 'a\nb' }, 'name must be a text of 1 to 100 printable characters'],
  'paused in words': [{ ...watch, paused: 'yes' }, 'paused must be true or false'],
  'nobody to look for': [
    { name: 'a' },
    'a watch needs one of subject, issuer, repository and key: whose entries it looks for',
  ],
  'a text for a condition': [
    { name: 'a', subject: 'ada' },
    'subject must have one of exact, glob and regex, and nothing else',
  ],
  'two forms of one': [
    { name: 'a', issuer: { exact: 'a', glob: 'b' } },
    'issuer must have one of exact, glob and regex, and nothing else',
  ],
  'a form that there is not': [
    { name: 'a', repository: { prefix: 'a' } },
    'repository must have one of exact, glob and regex, and nothing else',
  ],
  'an empty text': [
    { name: 'a', subject: { glob: '' } },
    'subject.glob must be a text of 1 to 2048 characters',
  ],
  'a long text': [
    { name: 'a', subject: { exact: 'a'.repeat(2_049) } },
    'subject.exact must be a text of 1 to 2048 characters',
  ],
  'an expression of another language': [
    { name: 'a', subject: { regex: '(?=a)' } },
    'subject.regex: "(?=a)" is no expression in RE2 syntax: error parsing regexp: invalid or unsupported Perl syntax: `(?=`',
  ],
  'an open class': [
    { name: 'a', issuer: { regex: '[' } },
    'issuer.regex: "[" is no expression in RE2 syntax: error parsing regexp: missing closing ]: `[`',
  ],
  'a large expression': [
    { name: 'a', subject: { regex: 'x{1000}'.repeat(6) } },
    'subject is an expression of 6002 steps, with each repetition written out, and may have 5000: repeat less, or use a glob',
  ],
  'a key in capitals': [
    { name: 'a', key: 'AB'.repeat(32) },
    'key must be 40 to 128 lower-case hexadecimal digits: the SHA-256 of the public key',
  ],
  'a short key': [
    { name: 'a', key: 'ab' },
    'key must be 40 to 128 lower-case hexadecimal digits: the SHA-256 of the public key',
  ],
  'no log': [{ ...watch, logs: [] }, 'logs must list 1 to 100 names of logs; leave it out for all'],
  'a log without a name': [
    { ...watch, logs: [''] },
    'logs must list 1 to 100 names of logs; leave it out for all',
  ],
  'no reason': [
    { ...watch, alarmOn: [] },
    'alarmOn must list at least one of identity-seen, new-workflow, outside-hours, each once',
  ],
  'a reason that there is not': [
    { ...watch, alarmOn: ['whenever'] },
    'alarmOn must list at least one of identity-seen, new-workflow, outside-hours, each once',
  ],
  'a reason twice': [
    { ...watch, alarmOn: ['new-workflow', 'new-workflow'] },
    'alarmOn must list at least one of identity-seen, new-workflow, outside-hours, each once',
  ],
  'a reason without hours': [
    ofHours,
    'alarmOn has outside-hours, so hours is needed: timeZone, days, from and to',
  ],
  'hours without a reason': [
    { ...watch, hours },
    'hours is for outside-hours alone: add that to alarmOn, or leave hours out',
  ],
  'hours in words': [
    { ...ofHours, hours: 'nine to five' },
    'hours must be an object with timeZone, days, from and to',
  ],
  'a member that hours have not': [
    { ...ofHours, hours: { ...hours, until: '19:00' } },
    'hours has no member "until"; it has timeZone, days, from and to',
  ],
  'no such place': [
    { ...ofHours, hours: { ...hours, timeZone: 'Mars/Olympus' } },
    'hours.timeZone must be one of the IANA database, such as Europe/Berlin',
  ],
  'no day': [
    { ...ofHours, hours: { ...hours, days: [] } },
    'hours.days must list 1 to 7 days, from 1 (Monday) to 7 (Sunday)',
  ],
  'an eighth day': [
    { ...ofHours, hours: { ...hours, days: [8] } },
    'hours.days must list 1 to 7 days, from 1 (Monday) to 7 (Sunday)',
  ],
  'a beginning that is no time': [
    { ...ofHours, hours: { ...hours, from: '8' } },
    'hours.from must be a time, such as 08:00',
  ],
  'an end before the beginning': [
    { ...ofHours, hours: { ...hours, to: '08:00' } },
    'hours.to must be a time behind hours.from, such as 18:00, and 24:00 at the latest',
  ],
  'an end behind midnight': [
    { ...ofHours, hours: { ...hours, to: '24:01' } },
    'hours.to must be a time behind hours.from, such as 18:00, and 24:00 at the latest',
  ],
}

t.test('a watch that is refused says which member is wrong and what it must be', (t) => {
  for (const [name, [value, message]] of Object.entries(refusals))
    t.throws(() => parseWatch(value), { code: 'malformed', message }, name)
  t.end()
})

t.test('what is at the bounds is taken', (t) => {
  const key = 'ab'.repeat(64)
  t.match(parseWatch({ name: 'a'.repeat(100), key }), { key, alarmOn: ['identity-seen'], isPaused: false })
  t.match(parseWatch({ ...ofHours, hours: { ...hours, to: '24:00' } }), { hours: { to: '24:00' } })
  t.match(parseWatch({ name: 'a', subject: { exact: 'a'.repeat(2_048) } }), { name: 'a' })
  t.end()
})
