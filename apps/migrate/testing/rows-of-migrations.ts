import type { migrations } from '#database/migrations/list.ts';

type MigrationName = (typeof migrations)[number]['name'];

/**
 * Rows as the release wrote them that a migration came with, in the tables that it made. Like a migration that was released
 * they are never changed; the trail was sealed by that release, the password is hashed by it.
 */
export const rowsOf: Record<MigrationName, string> = {
  'm0001-audit': `
    insert into security_event (id, type, severity, occurred_at, recorded_at, actor_id, actor_kind, target_kind, target_id,
      address_prefix, correlation_id, source, count, details, transaction_id)
    values
      ('01a20c79-0000-7000-8000-000000000001', 'login.succeeded', 'info', '2026-11-24T08:00:00.123456Z',
        '2026-11-24T08:00:00.123999Z', '01a20c79-0000-7000-8000-00000000000a', 'user', 'session', 's', '203.0.113.9/32',
        'request-1', null, 1, '{"mode": "token"}', '3'),
      ('01a20c79-0000-7000-8000-000000000002', 'receipt.refused', 'warning', '2026-11-24T08:00:01Z',
        '2026-11-24T08:00:02Z', null, 'source', null, null, '2001:db8::/56', null, 'shop', 17,
        '{"ä": "\\u00fc\\n\\\\", "n": 1.5, "none": null}', '4');
    insert into audit_seal (number, first_position, event_count, era, last_transaction, leaves, root, previous_hash, hash, sealed_at)
    values (1, 1, 2, 1, '4',
      '\\x01a20c79000070008000000000000001d41c68bda45335468e36904d999ca2dcfa72b2a45d63f80808c7d35a46161499'::bytea ||
      '\\x01a20c790000700080000000000000021d8a9ccb602b0a58a28028fc154f4f86ba1e3d129d20ee56da9fd94a30e651b8',
      '\\x23a76582e51e3e992c7d001010ea4a6bb7681e4e4927b82d25eb89258cb27efa',
      decode(repeat('00', 32), 'hex'),
      '\\x50888a7afee4fbedee03df42d3ebb24328f1171415451221a4dfb615fc29c994',
      '2026-11-24T08:00:04Z');
    insert into audit_cursor (name, position) values ('forward', 2);
    insert into audit_context (event_id, device) values ('01a20c79-0000-7000-8000-000000000001', 'Firefox on Linux');
    insert into audit_verification (name, checked_at, through_seal, events) values ('whole', '2026-11-24T08:10:00Z', 1, 2);
    insert into audit_alert (rule, subject, severity, raised_at, seen_at, details)
    values ('rows-dead', 'receipts', 'warning', '2026-11-24T08:00:00Z', '2026-11-24T08:00:00Z', '{"count": 1}')`,
  'm0002-webhooks': `
    insert into webhook_log (id, source, provider, verdict, state, dedupe_key, secret_label, sha256, size_bytes,
      client_address, headers, body, correlation_id, received_at, verify_us, batch_wait_us, next_check_at, closed_at)
    values
      ('01a20c79-0000-7000-8000-000000000003', 'shop', 'woocommerce', 'accepted', 'open', '\\x01', 'k1', '\\x02', 2,
        '203.0.113.9', '{"content-type": "application/json"}', '{}', 'request-2', '2026-11-24T08:00:00Z', 40, 900, now(), null),
      ('01a20c79-0000-7000-8000-000000000004', 'shop', 'woocommerce', 'refused:signature-mismatch', 'done', null, null, null,
        3, '203.0.113.9', '{}', '\\x00ff5c', 'request-3', '2026-11-24T08:00:00Z', 40, 900, null, now());
    insert into webhook_event (id, source, event_key, receipt_id, type, subjects, data, raw, state, correlation_id, closed_at)
    values ('01a20c79-0000-7000-8000-000000000005', 'shop', 'order-1', '01a20c79-0000-7000-8000-000000000003',
      'order.created', '{phone:+491701234567,"email:ä,\\"@example.com"}', '{"total": "1.10"}', '{"id": 1}', 'done', 'request-2', now());
    insert into webhook_effect (event_id, handler, replay) values ('01a20c79-0000-7000-8000-000000000005', 'log', 0);
    insert into message_status (source, message_id, status, rank, event_id)
    values ('whatsapp', 'wamid.1', 'read', 3, '01a20c79-0000-7000-8000-000000000005')`,
  'm0003-access': `
    insert into app_user (id, email, name, role, password_hash, password_changed_at)
    values ('01a20c79-0000-7000-8000-00000000000a', 'anna@example.com', 'Änna', 'admin', '$argon2id$v=19$m=19456,t=2,p=1$NHlTxzhiSDuSxfAv6HD8zA$j/EbxgufRVw8GwEYa3XIvRagYXioPfwq6FMW2qYEJSQ', '2026-11-24T08:00:00.123456Z');
    insert into user_session (id, user_id, created_at, authenticated_at, method, device_label, address_prefix)
    values ('01a20c79-0000-7000-8000-00000000000b', '01a20c79-0000-7000-8000-00000000000a', '2026-11-24T08:00:00Z',
      '2026-11-24T08:00:00Z', 'password', 'Firefox on Linux', '203.0.113.9/32');
    insert into refresh_token (session_id, user_id, current_hash, device_hash, idle_seconds, last_used_at, idle_expires_at,
      absolute_expires_at)
    values ('01a20c79-0000-7000-8000-00000000000b', '01a20c79-0000-7000-8000-00000000000a', '\\x01', '\\x02', 3600,
      '2026-11-24T08:00:00Z', '2026-11-24T09:00:00Z', '2026-11-25T08:00:00Z');
    insert into signing_key (id, algorithm, public_key, sealed_private_key, secret_id, signs_from)
    values ('key-1', 'EdDSA', '{"kty": "OKP"}', '\\x00', 'secret-1', '2026-11-24T08:00:00Z');
    insert into api_token (id, user_id, name, secret_hash, scopes, expires_at)
    values ('01a20c79-0000-7000-8000-00000000000c', '01a20c79-0000-7000-8000-00000000000a', 'reports', '\\x03',
      '{uploads:read,overview:read}', '2027-01-01T00:00:00Z');
    insert into password_reset (secret_hash, user_id, expires_at)
    values ('\\x04', '01a20c79-0000-7000-8000-00000000000a', '2026-11-24T09:00:00Z')`,
  'm0004-uploads': `
    insert into upload (id, owner_id, ticket_id, status, original_name, extension, warnings, size_bytes, sha256, stored_name,
      idempotency_key, next_check_at)
    values ('01a20c79-0000-7000-8000-00000000000d', '01a20c79-0000-7000-8000-00000000000a', 't-1', 'clean', 'Grüße.csv',
      'csv', '{csv-formula}', 3000000000, '\\x05', 'stored', 'once', '2026-11-24T08:00:00Z')`,
  'm0005-limits': `
    insert into limiter_counter (key, points, expires_at) values ('sign-in:1', 6, '2026-11-24T08:15:00Z')`,
  'm0006-sweeps': `
    insert into sweep_run (name, begun_at, succeeded_at, swept, swept_total)
    values ('receipts', '2026-11-24T08:17:00Z', '2026-11-24T08:17:01Z', 3, 5000000000)`,
  'm0007-heartbeats': `
    insert into process_heartbeat (id, process, host, pid, started_at, beat_at, details)
    values ('01a20c79-0000-7000-8000-00000000000e', 'worker', 'here', 7, '2026-11-24T08:00:00Z', '2026-11-24T08:00:00Z',
      '{"clockSkewSeconds": 0}')`,
  'm0008-own-events': `
    insert into webhook_event (id, source, event_key, receipt_id, type, subjects, data, raw, state, correlation_id, closed_at)
    values ('01a20c79-0000-7000-8000-00000000000f', 'uploads', 'verdict-1', null, 'upload.clean', '{}', '{}', '{}', 'done',
      'request-4', now())`,
  'm0009-traces': `
    insert into webhook_log (id, source, provider, verdict, state, dedupe_key, secret_label, sha256, size_bytes,
      client_address, headers, body, correlation_id, received_at, verify_us, batch_wait_us, next_check_at, traceparent)
    values ('01a20c79-0000-7000-8000-000000000010', 'shop', 'woocommerce', 'accepted', 'open', '\\x10', 'k1', '\\x02', 2,
      '203.0.113.9', '{}', '{}', 'request-5', '2026-11-24T08:00:00Z', 40, 900, now(),
      '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')`,
  'm0010-upload-traces': `
    insert into upload (id, owner_id, ticket_id, status, original_name, extension, size_bytes, sha256, stored_name, next_check_at,
      traceparent)
    values ('01a20c79-0000-7000-8000-000000000011', '01a20c79-0000-7000-8000-00000000000a', 't-1', 'quarantined', 'a.txt',
      'txt', 1, '\\x06', 'waiting', '2026-11-24T08:00:00Z', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203332-01');
    insert into webhook_event (id, source, event_key, receipt_id, type, subjects, data, raw, state, correlation_id, closed_at,
      traceparent)
    values ('01a20c79-0000-7000-8000-000000000012', 'uploads', 'verdict-2', null, 'upload.clean', '{}', '{}', '{}', 'done',
      'request-6', now(), '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203332-01')`,
  'm0011-indexes': `
    insert into upload (id, owner_id, ticket_id, status, original_name, extension, size_bytes, sha256, stored_name,
      signature_version, next_check_at)
    values ('01a20c79-0000-7000-8000-000000000013', '01a20c79-0000-7000-8000-00000000000a', 't-1', 'clean', 'b.txt', 'txt', 1,
      '\\x07', 'stored-too', '27500', '2026-11-24T08:00:00Z')`,
};
