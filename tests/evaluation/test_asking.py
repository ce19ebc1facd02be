"""A conversation is evaluated as it is trained: turn by turn. Answers to anything else stay valid."""

from __future__ import annotations

from pathlib import Path

from backend.answering import Answer, Answering, Question
from backend.assistants import Assistant, Decoding, Instructions, ModelRef
from backend.evaluation.answer_store import NewAnswer
from backend.evaluation.answers import answer_examples, forget_faults, kept_answers, missing
from backend.evaluation.identity import fingerprint, turned
from backend.evaluation.perplexity import basis_of, keyed
from backend.examples.asking import question_of
from backend.examples.example import Example, NewExample
from backend.examples.task import Task
from backend.messages import Message
from backend.models.endpoints import Endpoints
from backend.models.host import ModelHost
from backend.models.installed import add_folder
from backend.projects.folder import Project
from backend.settings import Settings
from backend.training.rows.turns import Asking
from backend.training.running.sampling_answers import asked_as
from tests.training.data_cases import config

TALK = NewExample(
    variables={"input": "사용자: 김치찌개 있어요?\n도우미: 네, 있습니다.\n사용자: 얼마예요?"}, output="8천원"
)
PLAIN = NewExample(variables={"input": "김치찌개 얼마예요?"}, output="8천원")


class Noting(Answering):
    """Notes what the model is handed."""

    def __init__(self, host: ModelHost) -> None:
        super().__init__(host)
        self.prompts: list[list[str]] = []

    def compose(self, assistant: Assistant, question: Question) -> tuple[Message, ...]:
        found = super().compose(assistant, question)
        self.prompts.append([message.content for message in found])
        return found


def test_what_is_evaluated_is_what_is_trained(project: Project, settings: Settings, tiny: Path) -> None:
    project.examples.set_task(Task(kind="question_answering", metric="char_f1"))
    add_folder(settings, str(tiny))
    one = Assistant(model=ModelRef(kind="local", name=str(tiny)), decoding=Decoding(max_new_tokens=4))
    host = ModelHost(settings, Endpoints(settings.home, settings.offline))
    try:
        answers = Noting(host)
        known = fingerprint(one, host.where)
        # What was kept when every input was one message: right for the one, of another prompt for the other.
        project.answers.add([NewAnswer.of(known, each.input_key, Answer("전에")) for each in (TALK, PLAIN)])
        left, already = missing(project, one, known, [TALK, PLAIN])
        assert list(left) == [TALK.input_key] and already == 1
        assert list(kept_answers(project, one, known, [TALK, PLAIN])) == [PLAIN.input_key]
        did = answer_examples(project, answers, one, [TALK, PLAIN], host.where)
        assert (did.asked, did.already, did.fingerprint) == (1, 1, known)
        assert answers.prompts == [["김치찌개 있어요?", "네, 있습니다.", "얼마예요?"]]
        trained = config(one)
        *_, row = Asking(trained, project.examples.task()).asked(Example(id=1, **TALK.model_dump()))
        assert [message.content for message in row.messages] == answers.prompts[0]
        assert question_of(TALK, asked_as(trained), project.examples.task()).history
        kept = kept_answers(project, one, known, [TALK, PLAIN])
        assert kept[PLAIN.input_key].text == "전에" and kept[TALK.input_key].assistant == turned(known)
        assert missing(project, one, known, [TALK, PLAIN]) == ({}, 2)
        # Of another kind of task the same text is one message again, and so is its answer.
        project.examples.set_task(Task(kind="summarising", metric="rouge_l"))
        assert kept_answers(project, one, known, [TALK])[TALK.input_key].text == "전에"
    finally:
        host.close()


def test_a_fault_is_forgotten_however_it_was_asked(project: Project) -> None:
    project.answers.add(
        [
            NewAnswer("f" * 32, PLAIN.input_key, error_key="error.x"),
            NewAnswer(turned("f" * 32), TALK.input_key, error_key="error.x"),
        ]
    )
    assert forget_faults(project, "f" * 32, [TALK, PLAIN]) == 2


def test_perplexity_of_a_conversation_is_another_than_of_its_text() -> None:
    task = Task(kind="question_answering", metric="char_f1")
    told = Assistant(instructions=Instructions(template="{input}\n답:"))
    assert basis_of(keyed([PLAIN], Assistant(), task)) == basis_of(keyed([PLAIN]))
    assert basis_of(keyed([TALK], told, task)) == basis_of(keyed([TALK]))
    assert basis_of(keyed([TALK], Assistant(), task)) != basis_of(keyed([TALK]))
