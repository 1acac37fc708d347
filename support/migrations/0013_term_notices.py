from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("support", "0012_viewings")]

    operations = [migrations.RenameModel("Notice", "TermNotice")]
