from shared.logic.changes import Action, ChangeSet
from shared.model.meta import ObjectRef


def test_rendering() -> None:
    changes = ChangeSet()
    changes.add(ObjectRef("v1", "Namespace", "", "apps"), Action.UNCHANGED)
    changes.add(ObjectRef("apps/v1", "Deployment", "apps", "web"), Action.CONFIGURED)
    changes.add(ObjectRef("v1", "Secret", "apps", "key"), Action.UNCHANGED)
    changes.add(ObjectRef("v1", "Secret", "apps", "old"), Action.DELETED)
    assert changes.render().splitlines()[1] == "Deployment/apps/web configured"
    assert changes.render_writes() == "Deployment/apps/web configured\nSecret/apps/old deleted"
    assert changes.render_grouped().splitlines() == [
        "configured: Deployment/apps/web",
        "unchanged: Namespace/apps, Secret/apps/key",
        "deleted: Secret/apps/old",
    ]
    assert [ref.name for ref in changes.refs(Action.UNCHANGED)] == ["apps", "key"]
    assert len(changes.refs()) == len(changes) == 4
