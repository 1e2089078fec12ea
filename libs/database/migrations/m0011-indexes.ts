import { Migration } from '@mikro-orm/migrations';

/** For lists and sweeps that read a table through. One that is there already was built ahead of the migration. */
export class M0011Indexes extends Migration {
  override up(): void {
    this.addSql('create index if not exists security_event_by_severity on security_event (severity)');
    this.addSql('create index if not exists security_event_by_actor_kind on security_event (actor_kind)');
    this.addSql('create index if not exists security_event_by_target_kind on security_event (target_kind)');
    this.addSql('create index if not exists security_event_by_address on security_event (address_prefix, occurred_at)');
    this.addSql(
      'create index if not exists security_event_by_source on security_event (source, occurred_at) where source is not null',
    );
    this.addSql(
      'create index if not exists security_event_by_request on security_event (correlation_id) where correlation_id is not null',
    );
    this.addSql('create index if not exists audit_seal_by_time on audit_seal (sealed_at)');
    this.addSql(
      "create index if not exists app_user_admins on app_user (id) where role = 'admin' and disabled_at is null",
    );
    this.addSql('create index if not exists api_token_end on api_token (least(expires_at, ended_at))');
    this.addSql('create index if not exists password_reset_end on password_reset (expires_at)');
    this.addSql('create index if not exists upload_deleted on upload (deleted_at) where deleted_at is not null');
    this.addSql(`
      create index if not exists upload_by_signatures on upload (coalesce(signature_version, ''), created_at, id)
        where status = 'clean' and deleted_at is null`);
  }

  override down(): void {
    this.addSql(`
      drop index security_event_by_severity, security_event_by_actor_kind, security_event_by_target_kind,
        security_event_by_address, security_event_by_source, security_event_by_request, audit_seal_by_time,
        app_user_admins, api_token_end, password_reset_end, upload_deleted, upload_by_signatures`);
  }
}
