import { Migration } from '@mikro-orm/migrations';

export class M0010UploadTraces extends Migration {
  override up(): void {
    this.addSql('alter table upload add column traceparent text null');
    this.addSql('alter table webhook_event add column traceparent text null');
  }

  override down(): void {
    this.addSql('alter table webhook_event drop column traceparent');
    this.addSql('alter table upload drop column traceparent');
  }
}
