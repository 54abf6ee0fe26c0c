// Values of `format` as regular expressions whose every match is valid.

const day31 = '(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])';
const day30 = '(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)';
// The 29th of February is left out: whether there is one depends on the year.
const date = `[0-9]{4}-(?:${day31}|${day30}|02-(?:0[1-9]|1[0-9]|2[0-8]))`;
const time =
  '(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])';
const octet = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,20}[a-zA-Z0-9])?';
const atom = "[a-zA-Z0-9_+'-]{1,30}";

/** By name; RFC 3339 for times, a plain subset of RFC 5321 for addresses. */
export const formats: Readonly<Record<string, string>> = {
  date: `^${date}$`,
  time: `^${time}$`,
  'date-time': `^${date}T${time}$`,
  uuid: '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$',
  email: `^${atom}(?:\\.${atom}){0,3}@${label}(?:\\.${label}){1,3}$`,
  hostname: `^${label}(?:\\.${label}){0,5}$`,
  ipv4: `^(?:${octet}\\.){3}${octet}$`,
};
