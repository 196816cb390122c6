package dev.twinlock

import javax.crypto.Cipher

/**
 * Asks the member for a biometric, for what a [Cipher] is about to do. [SystemBiometricPrompter] shows Android's own
 * dialog; implement it yourself only for another one, such as `androidx.biometric`.
 */
public fun interface BiometricPrompter {
    /**
     * Shows the dialog with [cipher] as its crypto object and waits for the member. Called on a worker thread.
     *
     * @return the cipher of the dialog's result. Android refuses to use one that it did not confirm: that the dialog
     * said yes proves nothing.
     * @throws PortException.Cancelled if the member put the dialog away.
     * @throws PortException.KeyUnavailable if the system refuses for now, such as after too many wrong fingers.
     * @throws PortException.KeyLost if the phone has no such hardware, or nothing is enrolled.
     */
    @Throws(PortException::class)
    public fun confirm(cipher: Cipher): Cipher
}
