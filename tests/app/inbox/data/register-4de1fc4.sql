BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'register','0001_lessons_captures_sightings_registers','2026-11-30 05:55:51.296295+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'register','0002_plans_skipped_untimed_clock','2026-11-30 05:55:51.297195+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'register','0003_outbox_commitments_contacts_events','2026-11-30 05:55:51.297925+00:00');
CREATE TABLE captures (
            lesson_id TEXT NOT NULL REFERENCES lessons ON DELETE CASCADE,
            slot INTEGER NOT NULL CHECK (slot >= 0),
            name TEXT NOT NULL,
            taken_at_utc TEXT NOT NULL, clock TEXT CHECK (clock IN ('synchronised', 'rtc', 'unsynchronised')), boot_id TEXT, boottime_s REAL,
            PRIMARY KEY (lesson_id, slot)
        ) STRICT;
INSERT INTO "captures" VALUES('bc461efb-ead5-57d2-8af7-a8d84109e0ce',0,'1.jpg','2026-11-16T07:01:56.560000Z',NULL,NULL,NULL);
INSERT INTO "captures" VALUES('bc461efb-ead5-57d2-8af7-a8d84109e0ce',1,'2.jpg','2026-11-16T07:11:38.401000Z',NULL,NULL,NULL);
INSERT INTO "captures" VALUES('bc461efb-ead5-57d2-8af7-a8d84109e0ce',2,'3.jpg','2026-11-16T07:29:09.035000Z',NULL,NULL,NULL);
INSERT INTO "captures" VALUES('bc461efb-ead5-57d2-8af7-a8d84109e0ce',3,'4.jpg','2026-11-16T07:35:11.262000Z',NULL,NULL,NULL);
INSERT INTO "captures" VALUES('96894a6a-d1bc-5fb1-a2dc-1e2894e50cfe',0,'1.jpg','2026-11-17T07:01:56.560000Z',NULL,NULL,NULL);
INSERT INTO "captures" VALUES('96894a6a-d1bc-5fb1-a2dc-1e2894e50cfe',1,'2.jpg','2026-11-17T07:11:38.401000Z',NULL,NULL,NULL);
INSERT INTO "captures" VALUES('96894a6a-d1bc-5fb1-a2dc-1e2894e50cfe',2,'3.jpg','2026-11-17T07:29:09.035000Z',NULL,NULL,NULL);
INSERT INTO "captures" VALUES('96894a6a-d1bc-5fb1-a2dc-1e2894e50cfe',3,'4.jpg','2026-11-17T07:35:11.262000Z',NULL,NULL,NULL);
INSERT INTO "captures" VALUES('78d18b6d-57d5-528b-a3da-94473cad001f',0,'1.jpg','2026-11-18T07:01:56.560000Z',NULL,NULL,NULL);
INSERT INTO "captures" VALUES('78d18b6d-57d5-528b-a3da-94473cad001f',1,'2.jpg','2026-11-18T07:11:38.401000Z',NULL,NULL,NULL);
INSERT INTO "captures" VALUES('78d18b6d-57d5-528b-a3da-94473cad001f',2,'3.jpg','2026-11-18T07:29:09.035000Z',NULL,NULL,NULL);
INSERT INTO "captures" VALUES('78d18b6d-57d5-528b-a3da-94473cad001f',3,'4.jpg','2026-11-18T07:35:11.262000Z',NULL,NULL,NULL);
CREATE TABLE commitments (
            commitment_position INTEGER PRIMARY KEY,
            ref TEXT NOT NULL UNIQUE,
            document TEXT NOT NULL,  -- canonical JSON, signed: plans with the SHA-256 of their seeds
            sha256 TEXT NOT NULL,
            created_at_utc TEXT NOT NULL
        ) STRICT;
CREATE TABLE contacts (
            student_id TEXT PRIMARY KEY NOT NULL,
            courses TEXT NOT NULL,  -- JSON list
            sealed BLOB NOT NULL  -- name and mail addresses, under the contact key
        ) STRICT;
CREATE TABLE destinations (
            destination TEXT PRIMARY KEY NOT NULL CHECK (destination IN ('upstream', 'mail')),
            state TEXT NOT NULL CHECK (state IN ('open', 'waiting', 'parked')),
            answer TEXT NOT NULL DEFAULT '',
            since_utc TEXT NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            next_attempt_utc TEXT NOT NULL,
            settings_sha256 TEXT NOT NULL DEFAULT ''  -- other settings: tried again
        ) STRICT;
CREATE TABLE events (
            event_id INTEGER PRIMARY KEY,
            at_utc TEXT NOT NULL,
            event TEXT NOT NULL,  -- one of the log's fixed words
            fields TEXT NOT NULL  -- JSON, of the log's fixed fields
        ) STRICT;
CREATE TABLE lessons (
            lesson_id TEXT PRIMARY KEY NOT NULL,
            device TEXT NOT NULL,
            course TEXT NOT NULL,
            start_utc TEXT NOT NULL,
            end_utc TEXT NOT NULL,
            origin TEXT NOT NULL CHECK (origin IN ('timetable', 'rehearsal')),
            seed BLOB NOT NULL CHECK (length(seed) = 32),
            seed_sha256 TEXT NOT NULL,
            captures_planned INTEGER NOT NULL CHECK (captures_planned >= 0),
            clock TEXT NOT NULL CHECK (clock IN ('synchronised', 'rtc', 'unsynchronised')),
            state TEXT NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'finalised'))
        ) STRICT;
INSERT INTO "lessons" VALUES('bc461efb-ead5-57d2-8af7-a8d84109e0ce','room 204','7b','2026-11-16T07:00:00.000000Z','2026-11-16T07:45:00.000000Z','timetable',X'0000000000000000000000000000000000000000000000000000000000000000','66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925',4,'synchronised','finalised');
INSERT INTO "lessons" VALUES('96894a6a-d1bc-5fb1-a2dc-1e2894e50cfe','room 204','7b','2026-11-17T07:00:00.000000Z','2026-11-17T07:45:00.000000Z','timetable',X'0000000000000000000000000000000000000000000000000000000000000000','66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925',4,'synchronised','finalised');
INSERT INTO "lessons" VALUES('78d18b6d-57d5-528b-a3da-94473cad001f','room 204','7b','2026-11-18T07:00:00.000000Z','2026-11-18T07:45:00.000000Z','timetable',X'0000000000000000000000000000000000000000000000000000000000000000','66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925',4,'synchronised','finalised');
CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) STRICT;
INSERT INTO "meta" VALUES('kind','register');
INSERT INTO "meta" VALUES('schema_version','3');
INSERT INTO "meta" VALUES('readable_from','1');
CREATE TABLE missed (
            lesson_id TEXT NOT NULL REFERENCES lessons ON DELETE CASCADE,
            slot INTEGER NOT NULL CHECK (slot >= 0),
            reason TEXT NOT NULL,
            PRIMARY KEY (lesson_id, slot)
        ) STRICT;
CREATE TABLE outbox (
            item_id INTEGER PRIMARY KEY,
            destination TEXT NOT NULL CHECK (destination IN ('upstream', 'mail')),
            kind TEXT NOT NULL,  -- register, commitment; office, student, guardian, week, month ...
            ref TEXT NOT NULL,  -- lesson_id/revision, lesson_id, a date, a week: what it is about
            student_id TEXT NOT NULL DEFAULT '',  -- whom it is about; never an address, never a name
            lesson_id TEXT,
            state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'held', 'parked', 'delivered', 'void')),
            created_at_utc TEXT NOT NULL,
            next_attempt_utc TEXT NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            lease_owner TEXT,
            lease_until_utc TEXT,
            answer TEXT NOT NULL DEFAULT '',  -- the receiver's, or why it waits, in plain words
            settled_at_utc TEXT,
            UNIQUE (destination, kind, ref, student_id)
        ) STRICT;
CREATE TABLE plans (
            lesson_id TEXT PRIMARY KEY NOT NULL,
            device TEXT NOT NULL,
            course TEXT NOT NULL,
            start_utc TEXT NOT NULL,
            end_utc TEXT NOT NULL,
            seed BLOB NOT NULL CHECK (length(seed) = 32),
            seed_sha256 TEXT NOT NULL,
            captures_planned INTEGER NOT NULL CHECK (captures_planned >= 0),
            committed_at_utc TEXT NOT NULL  -- before the lesson, or the plan proves nothing
        ) STRICT;
CREATE TABLE pulled (
            name TEXT PRIMARY KEY NOT NULL,
            etag TEXT NOT NULL DEFAULT '',
            sha256 TEXT NOT NULL DEFAULT '',
            fetched_at_utc TEXT,
            applied_sha256 TEXT NOT NULL DEFAULT '',
            applied_at_utc TEXT,
            problem TEXT NOT NULL DEFAULT ''
        ) STRICT;
CREATE TABLE registers (
            ledger_position INTEGER PRIMARY KEY,  -- order in which the device made its registers
            lesson_id TEXT NOT NULL REFERENCES lessons,
            revision INTEGER NOT NULL CHECK (revision >= 1),
            document TEXT NOT NULL,  -- canonical JSON, bare student ids
            sha256 TEXT NOT NULL,
            created_at_utc TEXT NOT NULL,
            UNIQUE (lesson_id, revision)
        ) STRICT;
INSERT INTO "registers" VALUES(1,'bc461efb-ead5-57d2-8af7-a8d84109e0ce',1,'{"captures_planned":4,"captures_taken":4,"clock":"synchronised","corrections":[],"course":"7b","device":"room 204","end":"2026-11-16T07:45:00Z","guests":[],"lesson_id":"bc461efb-ead5-57d2-8af7-a8d84109e0ce","missed":[],"models":{"embedder":"abababababababababababababababababababababababababababababababab"},"origin":"timetable","previous_sha256":null,"public_key":"f393e479e357b5c712aa36cb06f51375d48082e1e6730f479177f132894c714f","revision":1,"schema":2,"seed":"0000000000000000000000000000000000000000000000000000000000000000","seed_sha256":"66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925","signature":"c7b3485405e6f6f912b6564e49e2d8f82de1fd533bb7af56dc7364f7c8f7accca5dfe074d20a99381a9a7c123c60c2774f7c687923b11caba44ea3c0abbded0e","start":"2026-11-16T07:00:00Z","students":[{"attendance_event":"In Attendance","first_seen":"2026-11-16T07:01:56.560000Z","flags":[],"frames_attentive":4,"frames_seen":4,"last_seen":"2026-11-16T07:35:11.262000Z","share":1,"student_id":"S1","verdict":"present"},{"attendance_event":"Unexcused Absence","first_seen":null,"flags":["borderline"],"frames_attentive":0,"frames_seen":0,"last_seen":null,"share":0,"student_id":"S2","verdict":"absent"},{"attendance_event":"In Attendance","first_seen":"2026-11-16T07:01:56.560000Z","flags":["borderline"],"frames_attentive":2,"frames_seen":2,"last_seen":"2026-11-16T07:11:38.401000Z","share":0.5,"student_id":"S3","verdict":"present"}],"unknown_faces":0}','e9f25961516f6c165513bf68fadd7cd5ff4a090c9efdec0c999011b768d9b382','2026-11-16T07:45:00.000000Z');
INSERT INTO "registers" VALUES(2,'96894a6a-d1bc-5fb1-a2dc-1e2894e50cfe',1,'{"captures_planned":4,"captures_taken":4,"clock":"synchronised","corrections":[],"course":"7b","device":"room 204","end":"2026-11-17T07:45:00Z","guests":[],"lesson_id":"96894a6a-d1bc-5fb1-a2dc-1e2894e50cfe","missed":[],"models":{"embedder":"abababababababababababababababababababababababababababababababab"},"origin":"timetable","previous_sha256":"e9f25961516f6c165513bf68fadd7cd5ff4a090c9efdec0c999011b768d9b382","public_key":"f393e479e357b5c712aa36cb06f51375d48082e1e6730f479177f132894c714f","revision":1,"schema":2,"seed":"0000000000000000000000000000000000000000000000000000000000000000","seed_sha256":"66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925","signature":"41d0a57904ce77020416da220ec90ee5a5aac1bdb4272bac6663f5ca13f73d8deddd44a0e70429520a3ff07ce892308f3b8ab58344f9c12ebfc4c6199ced6a00","start":"2026-11-17T07:00:00Z","students":[{"attendance_event":"In Attendance","first_seen":"2026-11-17T07:01:56.560000Z","flags":[],"frames_attentive":4,"frames_seen":4,"last_seen":"2026-11-17T07:35:11.262000Z","share":1,"student_id":"S1","verdict":"present"},{"attendance_event":"Unexcused Absence","first_seen":null,"flags":["borderline"],"frames_attentive":0,"frames_seen":0,"last_seen":null,"share":0,"student_id":"S2","verdict":"absent"},{"attendance_event":"In Attendance","first_seen":"2026-11-17T07:01:56.560000Z","flags":["borderline"],"frames_attentive":2,"frames_seen":2,"last_seen":"2026-11-17T07:11:38.401000Z","share":0.5,"student_id":"S3","verdict":"present"}],"unknown_faces":0}','319e22f4101599e54d1b5a68960483f4ff45141a52b4649f820896e9113d6ec7','2026-11-17T07:45:00.000000Z');
INSERT INTO "registers" VALUES(3,'78d18b6d-57d5-528b-a3da-94473cad001f',1,'{"captures_planned":4,"captures_taken":4,"clock":"synchronised","corrections":[],"course":"7b","device":"room 204","end":"2026-11-18T07:45:00Z","guests":[],"lesson_id":"78d18b6d-57d5-528b-a3da-94473cad001f","missed":[],"models":{"embedder":"abababababababababababababababababababababababababababababababab"},"origin":"timetable","previous_sha256":"319e22f4101599e54d1b5a68960483f4ff45141a52b4649f820896e9113d6ec7","public_key":"f393e479e357b5c712aa36cb06f51375d48082e1e6730f479177f132894c714f","revision":1,"schema":2,"seed":"0000000000000000000000000000000000000000000000000000000000000000","seed_sha256":"66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925","signature":"81292097d24d57a195223ae1564d177de1babe28b2dc6e0ab71689f9c76cd282199fa031f4786ce7dd13addf0b67291c6f766985b36401a8baa97b4bc1e87f00","start":"2026-11-18T07:00:00Z","students":[{"attendance_event":"In Attendance","first_seen":"2026-11-18T07:01:56.560000Z","flags":[],"frames_attentive":4,"frames_seen":4,"last_seen":"2026-11-18T07:35:11.262000Z","share":1,"student_id":"S1","verdict":"present"},{"attendance_event":"Unexcused Absence","first_seen":null,"flags":["borderline"],"frames_attentive":0,"frames_seen":0,"last_seen":null,"share":0,"student_id":"S2","verdict":"absent"},{"attendance_event":"In Attendance","first_seen":"2026-11-18T07:01:56.560000Z","flags":["borderline"],"frames_attentive":2,"frames_seen":2,"last_seen":"2026-11-18T07:11:38.401000Z","share":0.5,"student_id":"S3","verdict":"present"}],"unknown_faces":0}','299348d579f344f19d75539a154bff222aa62a54e6aa5a0cc267f34792d03759','2026-11-18T07:45:00.000000Z');
INSERT INTO "registers" VALUES(4,'78d18b6d-57d5-528b-a3da-94473cad001f',2,'{"captures_planned":4,"captures_taken":4,"clock":"synchronised","corrections":[{"at":"2026-11-19T09:00:00Z","by":"Mr Braun","reason":"was not there","student_id":"S3","verdict":"absent"}],"course":"7b","device":"room 204","end":"2026-11-18T07:45:00Z","guests":[],"lesson_id":"78d18b6d-57d5-528b-a3da-94473cad001f","missed":[],"models":{"embedder":"abababababababababababababababababababababababababababababababab"},"origin":"timetable","previous_sha256":"299348d579f344f19d75539a154bff222aa62a54e6aa5a0cc267f34792d03759","public_key":"f393e479e357b5c712aa36cb06f51375d48082e1e6730f479177f132894c714f","revision":2,"schema":2,"seed":"0000000000000000000000000000000000000000000000000000000000000000","seed_sha256":"66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925","signature":"4cad21c07b8a0a38ab241e5d9a97554aa2a269afecaa3f6ee0cd9d2dd74c3cff337826b1b7a4c95f3f767142853e4a96e60eded0752b19aacdf4e1a207ebef07","start":"2026-11-18T07:00:00Z","students":[{"attendance_event":"In Attendance","first_seen":"2026-11-18T07:01:56.560000Z","flags":[],"frames_attentive":4,"frames_seen":4,"last_seen":"2026-11-18T07:35:11.262000Z","share":1,"student_id":"S1","verdict":"present"},{"attendance_event":"Unexcused Absence","first_seen":null,"flags":["borderline"],"frames_attentive":0,"frames_seen":0,"last_seen":null,"share":0,"student_id":"S2","verdict":"absent"},{"attendance_event":"Unexcused Absence","first_seen":"2026-11-18T07:01:56.560000Z","flags":["borderline","corrected"],"frames_attentive":2,"frames_seen":2,"last_seen":"2026-11-18T07:11:38.401000Z","share":0.5,"student_id":"S3","verdict":"absent"}],"unknown_faces":0}','43f2f8d973cbfc748548b921d15b80cc17596ab6626dcbb6c9c9093a400e9961','2026-11-19T09:00:00.000000Z');
INSERT INTO "registers" VALUES(5,'bc461efb-ead5-57d2-8af7-a8d84109e0ce',2,'{"captures_planned":4,"captures_taken":4,"clock":"synchronised","corrections":[{"at":"2026-11-17T11:00:00Z","by":"Ms Weber","reason":"went home at once","student_id":"S1","verdict":"absent"}],"course":"7b","device":"room 204","end":"2026-11-16T07:45:00Z","guests":[],"lesson_id":"bc461efb-ead5-57d2-8af7-a8d84109e0ce","missed":[],"models":{"embedder":"abababababababababababababababababababababababababababababababab"},"origin":"timetable","previous_sha256":"e9f25961516f6c165513bf68fadd7cd5ff4a090c9efdec0c999011b768d9b382","public_key":"f393e479e357b5c712aa36cb06f51375d48082e1e6730f479177f132894c714f","revision":2,"schema":2,"seed":"0000000000000000000000000000000000000000000000000000000000000000","seed_sha256":"66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925","signature":"b0d54e8db58cae05b5ef945cdb2ef8cc6877528881283c3d61929e5b98ce7581c280acd153314f8bd4da168b1b1c5c90757bc82dc345be12e61c738b99fc8802","start":"2026-11-16T07:00:00Z","students":[{"attendance_event":"Unexcused Absence","first_seen":"2026-11-16T07:01:56.560000Z","flags":["corrected"],"frames_attentive":4,"frames_seen":4,"last_seen":"2026-11-16T07:35:11.262000Z","share":1,"student_id":"S1","verdict":"absent"},{"attendance_event":"Unexcused Absence","first_seen":null,"flags":["borderline"],"frames_attentive":0,"frames_seen":0,"last_seen":null,"share":0,"student_id":"S2","verdict":"absent"},{"attendance_event":"In Attendance","first_seen":"2026-11-16T07:01:56.560000Z","flags":["borderline"],"frames_attentive":2,"frames_seen":2,"last_seen":"2026-11-16T07:11:38.401000Z","share":0.5,"student_id":"S3","verdict":"present"}],"unknown_faces":0}','834e137bfd0091b82e60048f9c31c18af9a4ec287f9229188370748c3e9af1f1','2026-11-17T11:00:00.000000Z');
INSERT INTO "registers" VALUES(6,'bc461efb-ead5-57d2-8af7-a8d84109e0ce',3,'{"captures_planned":4,"captures_taken":4,"clock":"synchronised","corrections":[{"at":"2026-11-17T11:00:00Z","by":"Ms Weber","reason":"went home at once","student_id":"S1","verdict":"absent"},{"at":"2026-11-17T10:00:00Z","by":"Ms Weber","reason":"sat behind a pillar","student_id":"S2","verdict":"present"}],"course":"7b","device":"room 204","end":"2026-11-16T07:45:00Z","guests":[],"lesson_id":"bc461efb-ead5-57d2-8af7-a8d84109e0ce","missed":[],"models":{"embedder":"abababababababababababababababababababababababababababababababab"},"origin":"timetable","previous_sha256":"834e137bfd0091b82e60048f9c31c18af9a4ec287f9229188370748c3e9af1f1","public_key":"f393e479e357b5c712aa36cb06f51375d48082e1e6730f479177f132894c714f","revision":3,"schema":2,"seed":"0000000000000000000000000000000000000000000000000000000000000000","seed_sha256":"66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925","signature":"3edee5467e070b61b278b84e4be06c211e65cf76cd941ecb1a7dac2647c92749602e116a7755ca41f0049767a1523a678044d6eb9c1f916dd5725902c42b340d","start":"2026-11-16T07:00:00Z","students":[{"attendance_event":"Unexcused Absence","first_seen":"2026-11-16T07:01:56.560000Z","flags":["corrected"],"frames_attentive":4,"frames_seen":4,"last_seen":"2026-11-16T07:35:11.262000Z","share":1,"student_id":"S1","verdict":"absent"},{"attendance_event":"In Attendance","first_seen":null,"flags":["borderline","corrected"],"frames_attentive":0,"frames_seen":0,"last_seen":null,"share":0,"student_id":"S2","verdict":"present"},{"attendance_event":"In Attendance","first_seen":"2026-11-16T07:01:56.560000Z","flags":["borderline"],"frames_attentive":2,"frames_seen":2,"last_seen":"2026-11-16T07:11:38.401000Z","share":0.5,"student_id":"S3","verdict":"present"}],"unknown_faces":0}','1da53c1e85970ec9d6924e6ba6296bedac463326e746f33300d4b2ac1650444c','2026-11-20T08:00:00.000000Z');
INSERT INTO "registers" VALUES(7,'96894a6a-d1bc-5fb1-a2dc-1e2894e50cfe',2,'{"captures_planned":4,"captures_taken":4,"clock":"synchronised","corrections":[{"at":"2026-11-18T12:00:00Z","by":"Office","reason":"the note was forged","student_id":"S2","verdict":"absent"}],"course":"7b","device":"room 204","end":"2026-11-17T07:45:00Z","guests":[],"lesson_id":"96894a6a-d1bc-5fb1-a2dc-1e2894e50cfe","missed":[],"models":{"embedder":"abababababababababababababababababababababababababababababababab"},"origin":"timetable","previous_sha256":"319e22f4101599e54d1b5a68960483f4ff45141a52b4649f820896e9113d6ec7","public_key":"f393e479e357b5c712aa36cb06f51375d48082e1e6730f479177f132894c714f","revision":2,"schema":2,"seed":"0000000000000000000000000000000000000000000000000000000000000000","seed_sha256":"66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925","signature":"f9425b0291440cbaddc1437250fd4af13d12a1bd0f3ceb5b5f17680d4a4b4d6fd9622d677a1855417fbe38e1158cb1f9234861bd59fa23dca95eb4baae925b01","start":"2026-11-17T07:00:00Z","students":[{"attendance_event":"In Attendance","first_seen":"2026-11-17T07:01:56.560000Z","flags":[],"frames_attentive":4,"frames_seen":4,"last_seen":"2026-11-17T07:35:11.262000Z","share":1,"student_id":"S1","verdict":"present"},{"attendance_event":"Unexcused Absence","first_seen":null,"flags":["borderline","corrected"],"frames_attentive":0,"frames_seen":0,"last_seen":null,"share":0,"student_id":"S2","verdict":"absent"},{"attendance_event":"In Attendance","first_seen":"2026-11-17T07:01:56.560000Z","flags":["borderline"],"frames_attentive":2,"frames_seen":2,"last_seen":"2026-11-17T07:11:38.401000Z","share":0.5,"student_id":"S3","verdict":"present"}],"unknown_faces":0}','7a32f29fa99494c2ecbea486958e6a9430279b3ce214003f1a444e00d450793e','2026-11-20T08:00:00.000000Z');
CREATE TABLE sightings (
            sighting_id INTEGER PRIMARY KEY,
            lesson_id TEXT NOT NULL,
            slot INTEGER NOT NULL,
            student_id TEXT,  -- NULL: an unknown face; no longer written
            similarity REAL NOT NULL,
            attentive INTEGER NOT NULL CHECK (attentive IN (0, 1)),
            x_px REAL NOT NULL,
            y_px REAL NOT NULL,
            w_px REAL NOT NULL,
            h_px REAL NOT NULL,
            FOREIGN KEY (lesson_id, slot) REFERENCES captures ON DELETE CASCADE
        ) STRICT;
INSERT INTO "sightings" VALUES(1,'bc461efb-ead5-57d2-8af7-a8d84109e0ce',0,'S1',0.61,1,0.0,50.0,40.0,44.0);
INSERT INTO "sightings" VALUES(2,'bc461efb-ead5-57d2-8af7-a8d84109e0ce',1,'S1',0.61,1,0.0,50.0,40.0,44.0);
INSERT INTO "sightings" VALUES(3,'bc461efb-ead5-57d2-8af7-a8d84109e0ce',2,'S1',0.61,1,0.0,50.0,40.0,44.0);
INSERT INTO "sightings" VALUES(4,'bc461efb-ead5-57d2-8af7-a8d84109e0ce',3,'S1',0.61,1,0.0,50.0,40.0,44.0);
INSERT INTO "sightings" VALUES(5,'bc461efb-ead5-57d2-8af7-a8d84109e0ce',0,'S3',0.61,1,200.0,50.0,40.0,44.0);
INSERT INTO "sightings" VALUES(6,'bc461efb-ead5-57d2-8af7-a8d84109e0ce',1,'S3',0.61,1,200.0,50.0,40.0,44.0);
INSERT INTO "sightings" VALUES(7,'96894a6a-d1bc-5fb1-a2dc-1e2894e50cfe',0,'S1',0.61,1,0.0,50.0,40.0,44.0);
INSERT INTO "sightings" VALUES(8,'96894a6a-d1bc-5fb1-a2dc-1e2894e50cfe',1,'S1',0.61,1,0.0,50.0,40.0,44.0);
INSERT INTO "sightings" VALUES(9,'96894a6a-d1bc-5fb1-a2dc-1e2894e50cfe',2,'S1',0.61,1,0.0,50.0,40.0,44.0);
INSERT INTO "sightings" VALUES(10,'96894a6a-d1bc-5fb1-a2dc-1e2894e50cfe',3,'S1',0.61,1,0.0,50.0,40.0,44.0);
INSERT INTO "sightings" VALUES(11,'96894a6a-d1bc-5fb1-a2dc-1e2894e50cfe',0,'S3',0.61,1,200.0,50.0,40.0,44.0);
INSERT INTO "sightings" VALUES(12,'96894a6a-d1bc-5fb1-a2dc-1e2894e50cfe',1,'S3',0.61,1,200.0,50.0,40.0,44.0);
INSERT INTO "sightings" VALUES(13,'78d18b6d-57d5-528b-a3da-94473cad001f',0,'S1',0.61,1,0.0,50.0,40.0,44.0);
INSERT INTO "sightings" VALUES(14,'78d18b6d-57d5-528b-a3da-94473cad001f',1,'S1',0.61,1,0.0,50.0,40.0,44.0);
INSERT INTO "sightings" VALUES(15,'78d18b6d-57d5-528b-a3da-94473cad001f',2,'S1',0.61,1,0.0,50.0,40.0,44.0);
INSERT INTO "sightings" VALUES(16,'78d18b6d-57d5-528b-a3da-94473cad001f',3,'S1',0.61,1,0.0,50.0,40.0,44.0);
INSERT INTO "sightings" VALUES(17,'78d18b6d-57d5-528b-a3da-94473cad001f',0,'S3',0.61,1,200.0,50.0,40.0,44.0);
INSERT INTO "sightings" VALUES(18,'78d18b6d-57d5-528b-a3da-94473cad001f',1,'S3',0.61,1,200.0,50.0,40.0,44.0);
CREATE TABLE skipped (
            lesson_id TEXT PRIMARY KEY NOT NULL,
            course TEXT NOT NULL,
            start_utc TEXT NOT NULL,
            end_utc TEXT NOT NULL,
            reason TEXT NOT NULL,
            noted_at_utc TEXT NOT NULL
        ) STRICT;
CREATE TABLE untimed (
            session_id TEXT NOT NULL,
            slot INTEGER NOT NULL CHECK (slot >= 0),
            boot_id TEXT NOT NULL,
            boottime_s REAL NOT NULL,  -- CLOCK_BOOTTIME: all that is known of the time
            believed_utc TEXT NOT NULL,  -- what the clock said, which nobody trusts
            PRIMARY KEY (session_id, slot)
        ) STRICT;
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX lessons_by_start ON lessons (start_utc);
CREATE INDEX sightings_by_capture ON sightings (lesson_id, slot);
CREATE UNIQUE INDEX sightings_once_a_capture ON sightings (student_id, lesson_id, slot)
            WHERE student_id IS NOT NULL;
CREATE TRIGGER registers_never_change BEFORE UPDATE ON registers
            BEGIN SELECT RAISE(ABORT, 'a register is immutable'); END;
CREATE TRIGGER registers_never_go BEFORE DELETE ON registers
            BEGIN SELECT RAISE(ABORT, 'a register is immutable'); END;
CREATE INDEX plans_by_start ON plans (start_utc);
CREATE TRIGGER plans_keep_their_seed BEFORE UPDATE OF seed, seed_sha256, committed_at_utc ON plans
            BEGIN SELECT RAISE(ABORT, 'a plan that was committed keeps its seed'); END;
CREATE INDEX skipped_by_start ON skipped (start_utc);
CREATE INDEX outbox_due ON outbox (state, next_attempt_utc);
CREATE INDEX outbox_by_lesson ON outbox (lesson_id);
CREATE INDEX outbox_by_age ON outbox (destination, item_id) WHERE state IN ('waiting', 'held');
CREATE TRIGGER commitments_never_change BEFORE UPDATE ON commitments
            BEGIN SELECT RAISE(ABORT, 'a commitment is immutable'); END;
CREATE TRIGGER commitments_never_go BEFORE DELETE ON commitments
            BEGIN SELECT RAISE(ABORT, 'a commitment is immutable'); END;
CREATE INDEX events_by_time ON events (at_utc);
COMMIT;
