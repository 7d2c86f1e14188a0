/** What an alarm means for whoever reads it, and what to do next, by its kind. */

type Advice = { readonly what: string; readonly next: string }

const keepEvidence = 'Keep the evidence, which has the signed heads, and do not restart the log over it.'

const known: Readonly<Record<string, Advice>> = {
  'inconsistent-head': {
    what: 'The log has shown two histories',
    next: `Somebody with the key of the log has signed both. ${keepEvidence} Ask the witnesses which of the two they saw, and tell whoever relies on the log.`,
  },
  'wrong-entries': {
    what: 'Entries of the log do not fit its signed head',
    next: `What it hands out is not what it has signed. Compare its database and its tiles with a backup. ${keepEvidence}`,
  },
  'bad-signature': {
    what: 'A head is not signed by a known key',
    next: 'Was the key of the log changed? Then publish the trusted root with the new one. If it was not, somebody else answers in its place.',
  },
  'shrunk-tree': {
    what: 'The log shows fewer entries than before',
    next: 'A copy is behind, or the log was put back to an older state. If a backup was restored, find out which entries are missing.',
  },
  'unproven-heads': {
    what: 'The log does not prove what it has signed',
    next: 'Ask whoever runs it why it gives neither proofs nor entries for its newest heads, and whether the witnesses have cosigned them. While a large log is read for the first time it means no more than that: wait until it is read.',
  },
  'unknown-authority': {
    what: 'A certificate in the log is of an unknown authority',
    next: 'Find out who issued it. If it was your own new authority, publish it in the trusted root.',
  },
  unreachable: {
    what: 'A log does not answer',
    next: 'Look whether it runs and can be reached from the monitor. This closes by itself when it answers again.',
  },
  backlog: {
    what: 'The monitor is behind the log',
    next: 'Wait, or give the monitor more of the machine. This closes by itself when it has caught up.',
  },
  'clock-drift': {
    what: 'A clock is off',
    next: 'Set the clocks of the log and of the monitor by a time server. This closes by itself.',
  },
  'unusable-watch': {
    what: 'A watch is not looked for',
    next: 'Write its expressions shorter, or pause or remove other watches that have some. This closes by itself.',
  },
  expiring: {
    what: 'Something of the trust ends soon',
    next: 'Renew it and publish it before it ends. This closes by itself.',
  },
  'identity-seen': {
    what: 'Somebody has signed as one whom you watch',
    next: 'Was it you? Then close it with a note. If not, the identity is in other hands: stop its sign-in at the issuer first, then look at what was signed.',
  },
  'new-workflow': {
    what: 'A workflow that was not met before has signed',
    next: 'Is it meant to sign? Then close it with a note. If not, find out who may change workflows of the repository, and look at what was signed.',
  },
  'outside-hours': {
    what: 'Somebody has signed at a time at which nobody should',
    next: 'Ask them whether it was they. If not, stop the sign-in at the issuer first, then look at what was signed.',
  },
}

export function adviceOn(kind: string): Advice {
  const other = { what: kind, next: 'The manual of the monitor says what an alarm of this kind means.' }
  return Object.hasOwn(known, kind) ? (known[kind] ?? other) : other
}

const severities: Readonly<Record<string, string>> = {
  page: 'look at it now',
  ticket: 'look at it soon',
  notice: 'for your notice',
}

export function urgency(severity: string): string {
  return Object.hasOwn(severities, severity) ? (severities[severity] ?? severity) : severity
}
