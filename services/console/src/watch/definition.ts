/** A watch as the form has it, and as the monitor takes it. What is wrong in it the monitor says, so nothing is cut or mended here. */
import { reasons } from '@sigstack/monitor-api'

export const subjects = ['subject', 'issuer', 'repository'] as const
export const forms = ['exact', 'glob', 'regex'] as const
export const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const

/** The text of a field without blanks around it. */
export function fieldOf(form: URLSearchParams, name: string): string {
  return (form.get(name) ?? '').trim()
}

export function definitionOf(form: URLSearchParams): Readonly<Record<string, unknown>> {
  const conditions = subjects.flatMap((name) => {
    const text = fieldOf(form, name)
    return text === '' ? [] : [[name, { [conditionForm(form, name)]: text }] as const]
  })
  const key = fieldOf(form, 'key').toLowerCase()
  const [timeZone, from, to] = ['timeZone', 'from', 'to'].map((name) => fieldOf(form, name))
  const alarmOn = reasons.filter((reason) => form.getAll('alarmOn').includes(reason))
  const wanted = days.flatMap((day, at) => (form.getAll('days').includes(day) ? [at + 1] : []))
  return {
    name: fieldOf(form, 'name'),
    ...Object.fromEntries(conditions),
    ...(key !== '' && { key }),
    alarmOn,
    ...(hasHours(form) && { hours: { timeZone, days: wanted, from, to } }),
  }
}

/** Whether anything is said of hours: the days are chosen from the beginning, and say nothing alone. */
export function hasHours(form: URLSearchParams): boolean {
  const isFilled = ['timeZone', 'from', 'to'].some((name) => fieldOf(form, name) !== '')
  return isFilled || form.getAll('alarmOn').includes('outside-hours')
}

export function conditionForm(form: URLSearchParams, name: string): string {
  return forms.find((each) => each === form.get(`${name}Form`)) ?? 'exact'
}

/** A form that nobody has filled in. */
export function emptyForm(): URLSearchParams {
  const form = new URLSearchParams({ alarmOn: 'identity-seen' })
  for (const day of days.slice(0, 5)) form.append('days', day)
  return form
}
