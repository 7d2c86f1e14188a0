/** A watch as the form has it, and as the monitor takes it. What is wrong in it the monitor says. */

export const subjects = ['subject', 'issuer', 'repository'] as const
export const forms = ['exact', 'glob', 'regex'] as const
export const reasons = ['identity-seen', 'new-workflow', 'outside-hours'] as const
export const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const

const longest = 2_048

/** The text of a field without blanks around it. */
export function fieldOf(form: URLSearchParams, name: string): string {
  return (form.get(name) ?? '').trim().slice(0, longest)
}

export function definitionOf(form: URLSearchParams): Readonly<Record<string, unknown>> {
  const conditions = subjects.flatMap((name) => {
    const text = fieldOf(form, name)
    return text === '' ? [] : [[name, { [conditionForm(form, name)]: text }] as const]
  })
  const key = fieldOf(form, 'key').toLowerCase()
  const [timeZone, from, to] = ['timeZone', 'from', 'to'].map((name) => fieldOf(form, name))
  const alarmOn = reasons.filter((reason) => form.getAll('alarmOn').includes(reason))
  const hasHours = alarmOn.includes('outside-hours') || [timeZone, from, to].some((text) => text !== '')
  const wanted = days.flatMap((day, at) => (form.getAll('days').includes(day) ? [at + 1] : []))
  return {
    name: fieldOf(form, 'name'),
    ...Object.fromEntries(conditions),
    ...(key !== '' && { key }),
    alarmOn,
    ...(hasHours && { hours: { timeZone, days: wanted, from, to } }),
  }
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
