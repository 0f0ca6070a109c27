// What ical.js makes of calendars: node calendar_reader.mjs FOLDER_WITH_NODE_MODULES FOLDER COUNT
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, folder, count] = process.argv.slice(2);
const ICAL = (await import(pathToFileURL(join(modules, "node_modules/ical.js/dist/ical.js")))).default;
const END = ICAL.Time.fromDateTimeString("2028-01-01T00:00:00Z");
const MOST = 2000;

function time(at) {
  const isKnown = at.zone && at.zone !== ICAL.Timezone.localTimezone && at.zone.tzid !== "floating";
  const shown = isKnown && !at.isDate ? at.convertToZone(ICAL.Timezone.utcTimezone) : at;
  const text = shown.toString().replace("Z", "");
  const zone = at.timezone && at.timezone !== "Z" ? at.timezone : "";
  return { at: text, is_date: at.isDate, is_utc: Boolean(isKnown), zone };
}

function lessonOf(item, start, end, series) {
  const text = (name) => item.component.getFirstPropertyValue(name) ?? series.component.getFirstPropertyValue(name) ?? "";
  return { start: time(start), end: time(end), location: String(text("location")), status: String(text("status")) };
}

function events(calendar) {
  for (const zone of calendar.getAllSubcomponents("vtimezone")) {
    ICAL.TimezoneService.register(zone);
  }
  const all = calendar.getAllSubcomponents("vevent");
  const found = [];
  for (const component of all.filter((one) => !one.hasProperty("recurrence-id"))) {
    const event = new ICAL.Event(component);
    if (!event.isRecurring()) {
      found.push(lessonOf(event, event.startDate, event.endDate, event));
      continue;
    }
    const iterator = event.iterator();
    for (let number = 0, next; number < MOST && (next = iterator.next()); number++) {
      if (next.compare(END) > 0) break;
      const details = event.getOccurrenceDetails(next);
      found.push(lessonOf(details.item, details.startDate, details.endDate, event));
    }
  }
  return found;
}

const answers = [];
for (let number = 0; number < Number(count); number++) {
  ICAL.TimezoneService.reset();
  try {
    const parsed = ICAL.parse(readFileSync(join(folder, `${number}.ics`), "utf8"));
    const calendars = Array.isArray(parsed[0]) ? parsed : [parsed];
    answers.push({ events: calendars.flatMap((one) => events(new ICAL.Component(one))) });
  } catch (error) {
    answers.push({ error: String(error) });
  }
}
process.stdout.write(JSON.stringify(answers));
